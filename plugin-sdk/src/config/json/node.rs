//! One value: each form that a type may ask for, without the code of those that it does not.

use super::Fault;
use super::access::{Entries, Items, Variant};
use super::reader::{Number, Reader};
use serde::de::{Deserializer, Error, Expected, Unexpected, Visitor};

/// The fields that a struct has.
pub(super) type Fields = &'static [&'static str];

/// The value that is next.
pub(super) struct Node<'r, 'j> {
    pub(super) reader: &'r mut Reader<'j>,
    /// The fields that there are, if it is one: if the type ignores it, it is none of them.
    pub(super) fields: Option<Fields>,
}

impl<'r, 'j> Node<'r, 'j> {
    pub(super) fn new(reader: &'r mut Reader<'j>) -> Self {
        Self { reader, fields: None }
    }

    /// An error that says what is there in place of what the visitor expects. One code for all
    /// visitors: a copy for each would be a twentieth of a component.
    #[cold]
    #[inline(never)]
    fn unexpected(self, visitor: &dyn Expected) -> Fault {
        let text;
        let unexpected = match self.reader.peek() {
            b'"' => match self.reader.string() {
                Ok(read) => {
                    text = read;
                    Unexpected::Str(&text)
                }
                Err(fault) => return fault,
            },
            b'[' => Unexpected::Seq,
            b'{' => Unexpected::Map,
            b't' => Unexpected::Bool(true),
            b'f' => Unexpected::Bool(false),
            b'n' => Unexpected::Unit,
            _ => match self.reader.number() {
                Ok(Number::Unsigned(number)) => Unexpected::Unsigned(number),
                Ok(Number::Signed(number)) => Unexpected::Signed(number),
                Ok(Number::Float(number)) => Unexpected::Float(number),
                Err(fault) => return fault,
            },
        };
        Error::invalid_type(unexpected, visitor)
    }

    fn is_number(&mut self) -> bool {
        matches!(self.reader.peek(), b'-' | b'0'..=b'9')
    }

    fn table<'de, V: Visitor<'de>>(self, fields: Option<Fields>, visitor: V) -> Result<V::Value, Fault> {
        if !self.reader.take("{") {
            return Err(self.unexpected(&visitor));
        }
        let depth = self.reader.path.len();
        let value = visitor.visit_map(Entries::new(self.reader, fields))?;
        self.reader.path.truncate(depth);
        self.reader.expect("}")?;
        Ok(value)
    }

    fn integer<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        if !self.is_number() {
            return Err(self.unexpected(&visitor));
        }
        match self.reader.number()? {
            Number::Unsigned(number) => visitor.visit_u64(number),
            Number::Signed(number) => visitor.visit_i64(number),
            Number::Float(number) => Err(Error::invalid_type(Unexpected::Float(number), &visitor)),
        }
    }

    fn number<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        if !self.is_number() {
            return Err(self.unexpected(&visitor));
        }
        match self.reader.number()? {
            Number::Unsigned(number) => visitor.visit_u64(number),
            Number::Signed(number) => visitor.visit_i64(number),
            Number::Float(number) => visitor.visit_f64(number),
        }
    }
}

/// Forms that are read alike.
macro_rules! alike {
    ($form:ident: $($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.$form(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_, '_> {
    type Error = Fault;

    alike!(integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128);
    alike!(integer: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    alike!(number: deserialize_f32 deserialize_f64);
    alike!(deserialize_str: deserialize_char deserialize_string deserialize_identifier);
    alike!(deserialize_seq: deserialize_bytes deserialize_byte_buf);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            b'"' => self.deserialize_str(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'{' => self.deserialize_map(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.number(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.take("true") {
            visitor.visit_bool(true)
        } else if self.reader.take("false") {
            visitor.visit_bool(false)
        } else {
            Err(self.unexpected(&visitor))
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            b'"' => visitor.visit_string(self.reader.string()?),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.take("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    /// An empty table is `()`, so that `type Config = ()` reads an entry without `config`.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.take("null") {
            return visitor.visit_unit();
        }
        if self.reader.peek() != b'{' {
            return Err(self.unexpected(&visitor));
        }
        self.reader.expect("{")?;
        if self.reader.take("}") {
            return visitor.visit_unit();
        }
        let key = self.reader.string()?;
        let fault = Error::unknown_field(&key, &[]);
        self.reader.path.push(key);
        Err(fault)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !self.reader.take("[") {
            return Err(self.unexpected(&visitor));
        }
        let depth = self.reader.path.len();
        let value = visitor.visit_seq(Items::new(self.reader))?;
        self.reader.path.truncate(depth);
        if self.reader.take("]") {
            return Ok(value);
        }
        Err(Fault::custom("the array is longer than expected"))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.table(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Fields,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.table(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: Fields, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            b'"' => {
                let name = self.reader.string()?;
                visitor.visit_enum(Variant { name: &name, value: None })
            }
            b'{' => {
                self.reader.expect("{")?;
                let name = self.reader.string()?;
                self.reader.expect(":")?;
                let depth = self.reader.path.len();
                let value = visitor.visit_enum(Variant { name: &name, value: Some(&mut *self.reader) })?;
                self.reader.path.truncate(depth);
                if self.reader.take("}") {
                    return Ok(value);
                }
                Err(Fault::custom(format_args!("expected `{name}` alone in this table")))
            }
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(fields) = self.fields {
            self.reader.note_unknown(fields);
        }
        self.reader.skip()?;
        visitor.visit_unit()
    }
}
