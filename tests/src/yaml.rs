//! YAML files of the project as JSON values, CloudFormation's short forms among them.
#![expect(
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests, not what they share"
)]

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_the_long_ones() {
        let text = "
Url: !Sub 'https://${Api}'
Role: !GetAtt Portal.Arn
Names: [!Ref Table, plain]
Part: !Join ['-', [!Ref A, b]]
";
        let expected = json!({
            "Url": { "Fn::Sub": "https://${Api}" },
            "Role": { "Fn::GetAtt": "Portal.Arn" },
            "Names": [{ "Ref": "Table" }, "plain"],
            "Part": { "Fn::Join": ["-", [{ "Ref": "A" }, "b"]] },
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn an_anchor_is_read_wherever_it_is_named() {
        assert_eq!(
            parse("a: &x {on: \"1\"}\nb: *x"),
            Ok(json!({ "a": { "on": "1" }, "b": { "on": "1" } }))
        );
        assert!(parse("a: *nothing").is_err());
    }
}
