//! JSON whose objects are objects.
//!
//! serde takes an array for a struct, its items for the fields in their order. Nobody means that, no description of ours
//! allows it, and a field added later would change what such an array says.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

/// Reads JSON of a form, to its end.
///
/// # Errors
/// serde's, for whatever is not of the form.
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Objects(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// A deserializer that takes nothing but an object for a struct, at any depth. What is read through `untagged` or
/// `flatten` is out of its reach, and our own forms have neither.
#[derive(Debug)]
pub struct Objects<D>(pub D);

macro_rules! forward {
    ($($method:ident($($argument:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, Self::Error> {
            self.0.$method($($argument,)* Each(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    forward! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_char() deserialize_str() deserialize_string() deserialize_bytes() deserialize_byte_buf()
        deserialize_option() deserialize_unit() deserialize_seq() deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
    }

    /// An enum is a word, or an object of one member: `serde_json` says of anything else that it is no JSON.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let visitor = Each(visitor);
        self.0.deserialize_any(Choice { variants, visitor })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_map(Each(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Objects(deserializer))
    }
}

/// Hands every part on through [`Objects`].
struct Each<T>(T);

macro_rules! visits {
    ($($method:ident($kind:ty))*) => {$(
        fn $method<E: serde::de::Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Each<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visits! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32) visit_f64(f64)
        visit_char(char) visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Objects(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Objects(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Each(access))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Each(access))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Each(access))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Each<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Each<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Each<A> {
    type Error = A::Error;
    type Variant = Each<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, access) = self.0.variant_seed(seed)?;
        Ok((name, Each(access)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Each<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Objects(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, Each(visitor))
    }

    /// The content of a struct variant is read as that of a variant that holds a map.
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        self.0.newtype_variant_seed(OfMap(visitor))
    }
}

/// Reads one of the variants: a word, or an object whose one member is the variant's name.
struct Choice<V> {
    variants: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Choice<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, variant) in self.variants.iter().enumerate() {
            let joint = match position {
                0 => "",
                _ if position + 1 == self.variants.len() => " or ",
                _ => ", ",
            };
            write!(f, "{joint}`{variant}`")?;
        }
        f.write_str(", as a word or as the one member of an object")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(word.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let variants = self.variants;
        let value = self.visitor.visit_enum(Member(&mut map, variants))?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            let visitor = IgnoredAny;
            return Err(A::Error::invalid_length(2, &Choice { variants, visitor }));
        }
        Ok(value)
    }
}

/// The first member of an object, as a variant.
struct Member<A>(A, &'static [&'static str]);

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Member<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), A::Error> {
        match self.0.next_key_seed(seed)? {
            Some(name) => Ok((name, self)),
            None => {
                let (variants, visitor) = (self.1, IgnoredAny);
                Err(A::Error::invalid_length(0, &Choice { variants, visitor }))
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Member<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        self.0.next_value()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(OfTuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(mut self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(OfMap(visitor))
    }
}

struct OfTuple<V>(usize, V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for OfTuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.0, self.1)
    }
}

struct OfMap<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for OfMap<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(Each(self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Outer {
        inner: Inner,
        #[serde(default)]
        boxed: Option<Box<Inner>>,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        named: BTreeMap<String, Inner>,
        #[serde(default)]
        way: Option<Way>,
        #[serde(default)]
        any: serde_json::Value,
        #[serde(default)]
        raw: Option<Box<RawValue>>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Inner {
        #[serde(default)]
        count: u8,
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Way {
        Short,
        Held(Inner),
        Long { count: u8 },
        Pair(u8, Inner),
    }

    #[test]
    fn an_array_is_no_struct_at_any_depth() {
        for text in [
            r"[[7]]",
            r#"{"inner": [7]}"#,
            r#"{"inner": []}"#,
            r#"{"inner": {}, "boxed": [7]}"#,
            r#"{"inner": {}, "list": [[7]]}"#,
            r#"{"inner": {}, "named": {"a": [7]}}"#,
            r#"{"inner": {}, "way": {"held": [7]}}"#,
            r#"{"inner": {}, "way": {"long": [7]}}"#,
            r#"{"inner": {}, "way": {"pair": [7, [7]]}}"#,
        ] {
            assert!(serde_json::from_str::<Outer>(text).is_ok(), "serde takes {text}");
            let refused = from_str::<Outer>(text).unwrap_err().to_string();
            assert!(
                refused.contains("invalid type: sequence, expected "),
                "{text}: {refused}"
            );
        }
    }

    #[test]
    fn objects_and_true_arrays_are_read_as_serde_reads_them() {
        for text in [
            r#"{"inner": {"count": 7}, "boxed": {"count": 1}, "list": [{"count": 1}, {}], "named": {"a": {}}}"#,
            r#"{"inner": {}, "way": "short", "any": [1, {"a": [null, 2.5, "x", -3]}], "raw": [ 1, {"a":2} ]}"#,
            r#"{"inner": {}, "way": {"held": {"count": 2}}, "boxed": null}"#,
            r#"{"inner": {}, "way": {"long": {"count": 2}}}"#,
            r#"{"inner": {}, "way": {"pair": [1, {"count": 2}]}}"#,
        ] {
            let written = |outer: Outer| serde_json::to_string(&outer).unwrap();
            let plain = written(serde_json::from_str(text).unwrap());
            assert_eq!(written(from_str(text).unwrap()), plain, "{text}");
        }
        assert!(from_str::<Inner>("{} x").is_err());
    }
}
