//! The insides of arrays, tables and enums. Each puts its step on the reader's path.

use super::Fault;
use super::node::{Fields, Node};
use super::reader::Reader;
use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// The items of an array, without its brackets.
pub(super) struct Items<'r, 'j> {
    reader: &'r mut Reader<'j>,
    depth: usize,
    index: usize,
}

impl<'r, 'j> Items<'r, 'j> {
    pub(super) fn new(reader: &'r mut Reader<'j>) -> Self {
        Self { depth: reader.path.len(), reader, index: 0 }
    }

    /// Reads up to the next item. Answers whether there is one.
    fn next(&mut self) -> Result<bool, Fault> {
        self.reader.path.truncate(self.depth);
        if self.reader.peek() == b']' {
            return Ok(false);
        }
        if self.index > 0 {
            self.reader.expect(",")?;
        }
        self.reader.path.push(self.index.to_string());
        self.index += 1;
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.next()? { seed.deserialize(Node::new(self.reader)).map(Some) } else { Ok(None) }
    }
}

/// The entries of a table, without its braces, and the fields of the struct that it becomes.
pub(super) struct Entries<'r, 'j> {
    reader: &'r mut Reader<'j>,
    fields: Option<Fields>,
    depth: usize,
    is_first: bool,
}

impl<'r, 'j> Entries<'r, 'j> {
    pub(super) fn new(reader: &'r mut Reader<'j>, fields: Option<Fields>) -> Self {
        Self { depth: reader.path.len(), reader, fields, is_first: true }
    }

    /// Reads up to the next value. Answers its key, if there is one.
    fn next(&mut self) -> Result<Option<&str>, Fault> {
        self.reader.path.truncate(self.depth);
        if self.reader.peek() == b'}' {
            return Ok(None);
        }
        if !self.is_first {
            self.reader.expect(",")?;
        }
        self.is_first = false;
        let key = self.reader.string()?;
        self.reader.expect(":")?;
        self.reader.path.push(key);
        Ok(self.reader.path.last().map(String::as_str))
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(key) = self.next()? else { return Ok(None) };
        let name: StrDeserializer<'_, Fault> = key.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(Node { reader: &mut *self.reader, fields: self.fields })
    }
}

/// A variant: a name, or a table of one entry.
pub(super) struct Variant<'r, 'j> {
    pub(super) name: &'r str,
    pub(super) value: Option<&'r mut Reader<'j>>,
}

impl<'r, 'j> Variant<'r, 'j> {
    /// What stands in the table.
    fn inside(self) -> Result<Node<'r, 'j>, Fault> {
        let name = self.name;
        match self.value {
            Some(reader) => {
                reader.path.push(name.to_owned());
                Ok(Node::new(reader))
            }
            None => Err(Fault::custom(format_args!("`{name}` needs a value: `{{ {name} = .. }}`"))),
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
            Some(_) => <()>::deserialize(self.inside()?),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.inside()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.inside()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Fields, visitor: V) -> Result<V::Value, Fault> {
        self.inside()?.deserialize_struct("", fields, visitor)
    }
}
