//! The insides of arrays, tables and enums. Each adds its step to the path of an error.

use super::Fault;
use super::node::{Fields, Node};
use super::reader::{Reader, malformed};
use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// The items of an array, without its brackets.
pub(super) struct Items<'r, 'j> {
    reader: &'r mut Reader<'j>,
    index: usize,
}

impl<'r, 'j> Items<'r, 'j> {
    pub(super) fn new(reader: &'r mut Reader<'j>) -> Self {
        Self { reader, index: 0 }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.reader.peek() == b']' {
            return Ok(None);
        }
        if self.index > 0 {
            self.reader.expect(",")?;
        }
        let item = seed.deserialize(Node::new(self.reader));
        let item = item.map_err(|fault| fault.under(self.index))?;
        self.index += 1;
        Ok(Some(item))
    }
}

/// The entries of a table, without its braces, and the fields of the struct that it becomes.
pub(super) struct Entries<'r, 'j> {
    reader: &'r mut Reader<'j>,
    fields: Option<Fields>,
    key: Option<String>,
}

impl<'r, 'j> Entries<'r, 'j> {
    pub(super) fn new(reader: &'r mut Reader<'j>, fields: Option<Fields>) -> Self {
        Self { reader, fields, key: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if self.reader.peek() == b'}' {
            return Ok(None);
        }
        if self.key.is_some() {
            self.reader.expect(",")?;
        }
        let key = self.reader.string()?;
        self.reader.expect(":")?;
        let name: StrDeserializer<'_, Fault> = key.as_str().into_deserializer();
        let read = seed.deserialize(name).map_err(|fault| fault.under(&key))?;
        self.key = Some(key);
        Ok(Some(read))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let key = self.key.as_deref().ok_or_else(malformed)?;
        let field = self.fields.map(|fields| (key, fields));
        let node = Node { reader: &mut *self.reader, field };
        seed.deserialize(node).map_err(|fault| fault.under(key))
    }
}

/// A variant: a name, or a table of one entry.
pub(super) struct Variant<'r, 'j> {
    pub(super) name: &'r str,
    pub(super) value: Option<&'r mut Reader<'j>>,
}

impl<'j> Variant<'_, 'j> {
    fn inside<T>(self, read: impl FnOnce(Node<'_, 'j>) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.value {
            Some(reader) => read(Node::new(reader)).map_err(|fault| fault.under(self.name)),
            None => {
                let name = self.name;
                Err(Fault::custom(format_args!("`{name}` needs a value: `{{ {name} = .. }}`")))
            }
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(_) => self.inside(|node| <()>::deserialize(node)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.inside(|node| seed.deserialize(node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.inside(|node| node.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Fields, visitor: V) -> Result<V::Value, Fault> {
        self.inside(|node| node.deserialize_struct("", fields, visitor))
    }
}
