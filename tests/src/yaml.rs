//! YAML files of the project as JSON values, CloudFormation's short forms among them.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// Reads a file named from the project's root.
///
/// # Panics
/// When there is no such file, or it is not one YAML document: whoever asks for it has nothing to say then.
#[must_use]
pub fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"));
    parse(&text).unwrap_or_else(|problem| panic!("{file}: {problem}"))
}

/// A short form becomes the long one that it stands for: `!Ref X` is `{"Ref": "X"}`, `!Sub X` is `{"Fn::Sub": "X"}`.
///
/// # Errors
/// What is wrong with the text, in words.
pub fn parse(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => value(document),
        other => Err(format!("{} documents instead of one", other.len())),
    }
}

fn value(node: &Yaml<'_>) -> Result<Value, String> {
    match node {
        Yaml::Value(Scalar::Null) => Ok(Value::Null),
        Yaml::Value(Scalar::Boolean(truth)) => Ok(json!(truth)),
        Yaml::Value(Scalar::Integer(number)) => Ok(json!(number)),
        Yaml::Value(Scalar::FloatingPoint(number)) => Ok(json!(number.into_inner())),
        Yaml::Value(Scalar::String(text)) => Ok(json!(text)),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let members = members.iter().map(|(name, member)| {
                let name = name.as_str().ok_or_else(|| format!("{name:?} is not a name"))?;
                Ok((name.to_owned(), value(member)?))
            });
            Ok(Value::Object(members.collect::<Result<Map<_, _>, String>>()?))
        }
        Yaml::Tagged(tag, tagged) => {
            let name = match tag.suffix.as_str() {
                "Ref" | "Condition" => tag.suffix.clone(),
                function => format!("Fn::{function}"),
            };
            Ok(Value::Object(Map::from_iter([(name, value(tagged)?)])))
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => Err(format!("{node:?} cannot be read")),
    }
}
