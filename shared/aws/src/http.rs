//! API Gateway's HTTP events (payload 2.0): reading requests, and answering with RFC 9457 problem details.

use apropos_core::document::{FieldError, more_of_unknown_field};
use apropos_core::ids::BrandId;
use apropos_core::objects::Objects;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_path_to_error::Segment;

use crate::causes::with_causes;
use crate::store::StoreError;

/// The most bytes of a body: HTTP APIs have no such setting, so the handlers keep it.
pub const MOST_BODY_BYTES: usize = 1_000_000;

/// An answer that is not what the caller asked for, as RFC 9457 problem details. `title` and `detail` are for the
/// caller; what the log keeps is written where the problem is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field of the request at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The same as a JSON pointer (RFC 6901), into the record for one of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Problem {
    fn new(status: u16, name: &str, title: &'static str) -> Self {
        Self {
            kind: format!("urn:apropos:problem:{name}"),
            title,
            status,
            detail: None,
            field: None,
            pointer: None,
        }
    }

    fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// 400: not JSON, or not of the request's form.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed-body", "The body could not be read").because(detail)
    }

    /// 413: the body is over [`MOST_BODY_BYTES`].
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(413, "body-too-large", "The body is too large")
            .because(format!("a body may have at most {MOST_BODY_BYTES} bytes"))
    }

    /// 422: a field is refused.
    #[must_use]
    pub fn refused(error: FieldError) -> Self {
        let mut problem = Self::new(422, "refused-field", "A field was refused").because(error.to_string());
        problem.pointer = Some(error.pointer());
        problem.field = Some(error.field);
        problem
    }

    /// 401: no key, or not a valid one.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(401, "unauthenticated", "A valid API key is needed")
            .because("send it as 'Authorization: Bearer apr_…'")
    }

    /// 403: the key lacks the scope.
    #[must_use]
    pub fn missing_scope(scope: &str) -> Self {
        Self::new(403, "missing-scope", "The API key does not allow this")
            .because(format!("it needs the scope '{scope}'"))
    }

    /// 404: there is no such thing, or not for this brand: the two look the same.
    #[must_use]
    pub fn unknown(what: &str) -> Self {
        Self::new(404, "unknown", "There is no such thing").because(format!("this brand has no such {what}"))
    }

    /// 405: the route exists, the method does not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(405, "method-not-allowed", "The method is not allowed here")
    }

    /// 409: it contradicts what is there.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "It contradicts what is already there").because(detail)
    }

    /// 409: the same request, by its `Idempotency-Key`, is being done at this moment.
    #[must_use]
    pub fn still_running() -> Self {
        Self::new(409, "still-running", "The same request is still being done")
            .because("ask again in a few seconds for its answer")
    }

    /// 503: trying again will help.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "unavailable", "The service could not do it now").because("nothing was changed; try again")
    }

    /// 500: a fault of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "Something went wrong on our side")
    }

    /// The problem of a store that did not answer; logged here, because here it is handled.
    #[must_use]
    pub fn of_store(error: &StoreError) -> Self {
        tracing::error!(error = %with_causes(error), "the store failed");
        if error.is_transient() {
            Self::unavailable()
        } else {
            Self::internal()
        }
    }

    /// The answer.
    #[must_use]
    pub fn response(&self) -> ApiGatewayV2httpResponse {
        answer(
            self.status,
            "application/problem+json",
            serde_json::to_string(self).unwrap_or_default(),
        )
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::refused(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::of_store(&error)
    }
}

/// A JSON answer.
#[must_use]
pub fn json(status: u16, body: &impl Serialize) -> ApiGatewayV2httpResponse {
    match serde_json::to_string(body) {
        Ok(text) => answer(status, "application/json", text),
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "an answer could not be written");
            Problem::internal().response()
        }
    }
}

/// An answer of any type, never cached: it is about one brand or one person.
#[must_use]
pub fn answer(status: u16, content_type: &'static str, body: String) -> ApiGatewayV2httpResponse {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        HeaderName::from_static("cache-control"),
        HeaderValue::from_static("no-store"),
    );
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    response.headers = headers;
    response.body = Some(Body::Text(body));
    response
}

/// The body's bytes.
///
/// # Errors
/// [`Problem`] when it is too large, or not the base64 that the event says it is.
pub fn body(event: &ApiGatewayV2httpRequest) -> Result<Vec<u8>, Problem> {
    let text = event.body.as_deref().unwrap_or_default();
    let bytes = if event.is_base64_encoded {
        if text.len() / 4 * 3 > MOST_BODY_BYTES + 3 {
            return Err(Problem::too_large());
        }
        STANDARD
            .decode(text)
            .ok()
            .ok_or_else(|| Problem::malformed("it is not the base64 that it claims to be"))?
    } else {
        text.as_bytes().to_vec()
    };
    if bytes.len() > MOST_BODY_BYTES {
        Err(Problem::too_large())
    } else {
        Ok(bytes)
    }
}

/// Reads JSON of the request's form; a fault is named by its field.
///
/// # Errors
/// [`Problem`] says where the JSON ends or which field is missing, mistyped or unknown. Values are not repeated.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| of_json(error.path(), error.inner()))?;
    reader
        .end()
        .ok()
        .ok_or_else(|| Problem::malformed("something follows the JSON"))?;
    Ok(value)
}

/// Reads one record of a batch.
///
/// # Errors
/// As [`parse`].
pub fn parse_record<T: DeserializeOwned>(record: &RawValue) -> Result<T, Problem> {
    parse(record.get().as_bytes())
}

fn of_json(path: &serde_path_to_error::Path, error: &serde_json::Error) -> Problem {
    let message = match error.classify() {
        serde_json::error::Category::Data => error.to_string(),
        // The classification has no word for it.
        serde_json::error::Category::Syntax if error.to_string().starts_with("recursion limit exceeded") => {
            return Problem::malformed("it is nested more than 127 deep");
        }
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            return Problem::malformed(format!(
                "it is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ));
        }
    };
    // The last step to an unknown field is its name, which is the caller's text and may hold anything. The last step to
    // an unknown variant is its name if it is an object's key, else the field that holds it.
    let steps: Vec<_> = path.iter().collect();
    let unknown = match steps.last() {
        Some(Segment::Enum { .. }) => message.starts_with("unknown "),
        Some(Segment::Map { .. }) => message.starts_with("unknown field"),
        Some(Segment::Seq { .. } | Segment::Unknown) | None => false,
    };
    let known = steps.len().saturating_sub(usize::from(unknown));
    let field = steps.iter().take(known).fold(String::new(), |field, step| match step {
        Segment::Seq { index } => format!("{field}[{index}]"),
        Segment::Map { key } | Segment::Enum { variant: key } if field.is_empty() => key.clone(),
        Segment::Map { key } | Segment::Enum { variant: key } => format!("{field}.{key}"),
        Segment::Unknown => field,
    });
    let more = match steps.last() {
        Some(Segment::Map { key }) if unknown => more_of_unknown_field(&field, key),
        _ => None,
    };
    match more {
        Some(problem) => of_field(&field, problem),
        None => refused(&field, &message),
    }
}

/// serde's message names the value found, which may be personal: only what was expected, its last part, is passed on.
/// An empty field is the whole body, or the whole record of a batch.
fn refused(field: &str, message: &str) -> Problem {
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected.split(" at line ").next().unwrap_or_default());
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    let problem = match (missing, expected) {
        (Some(name), _) if field.is_empty() => return Problem::refused(FieldError::new(name, "is missing")),
        (Some(name), _) => return Problem::refused(FieldError::new(name, "is missing").within(field)),
        (None, Some(expected)) if message.starts_with("unknown field") => {
            format!("holds a field that is not known; it may hold {expected}")
        }
        (None, Some(expected)) => format!("must be {}", in_words(expected)),
        (None, None) => "is not of the form asked for".to_owned(),
    };
    of_field(field, &problem)
}

/// What serde expected, in words of JSON: it names types of Rust, and our own structs.
fn in_words(expected: &str) -> String {
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => whole(0, u64::MAX.into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => whole(i64::MIN.into(), i64::MAX.into()),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" => "null, or the word alone".to_owned(),
        "newtype variant" | "tuple variant" | "struct variant" => "the one member of an object".to_owned(),
        ours if ours.starts_with("struct ") => "an object".to_owned(),
        ours if ours.starts_with("tuple ") || ours.starts_with("an array of length ") => "a list".to_owned(),
        other => other.to_owned(),
    }
}

fn of_field(field: &str, problem: &str) -> Problem {
    if field.is_empty() {
        let mut whole = Problem::refused(FieldError::new("it", problem));
        whole.field = None;
        whole.pointer = None;
        whole
    } else {
        Problem::refused(FieldError::new(field, problem))
    }
}

/// The brand that the authorizer found, if the key has the scope. The brand comes from the key, never from the body.
///
/// # Errors
/// [`Problem`]: 401 without a brand, 403 without the scope.
pub fn authorized(event: &ApiGatewayV2httpRequest, scope: apropos_core::api_key::Scope) -> Result<BrandId, Problem> {
    let fields = event
        .request_context
        .authorizer
        .as_ref()
        .map(|authorizer| &authorizer.fields);
    let field = |name: &str| {
        fields
            .and_then(|fields| fields.get(name))
            .and_then(|value| value.as_str())
    };
    let brand = field("brand")
        .and_then(|brand| BrandId::new(brand).ok())
        .ok_or_else(Problem::unauthenticated)?;
    let scopes = field("scopes").unwrap_or_default();
    if scopes.split(' ').any(|each| each == scope.code()) {
        Ok(brand)
    } else {
        Err(Problem::missing_scope(scope.code()))
    }
}

/// The method and the path, split at its slashes: `("POST", ["v1", "customers"])`.
#[must_use]
pub fn route(event: &ApiGatewayV2httpRequest) -> (&str, Vec<&str>) {
    let path = event.raw_path.as_deref().unwrap_or_default();
    (
        event.request_context.http.method.as_str(),
        path.split('/').filter(|part| !part.is_empty()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is tested")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is tested")]
        count: u8,
    }

    fn field_of(json: &str) -> (Option<String>, String) {
        let problem = parse::<Outer>(json.as_bytes()).unwrap_err();
        (problem.field, problem.detail.unwrap())
    }

    #[test]
    fn a_mistyped_field_is_named_and_its_value_is_not_repeated() {
        let (field, detail) = field_of(r#"{"inner": {"count": "camille@example.com"}}"#);
        assert_eq!(field.as_deref(), Some("inner.count"));
        assert_eq!(detail, "inner.count must be a whole number from 0 to 255");
    }

    #[test]
    fn a_value_that_imitates_the_message_is_not_repeated() {
        let (_, detail) = field_of(r#"{"inner": {"count": "x, expected camille@example.com"}}"#);
        assert_eq!(detail, "inner.count must be a whole number from 0 to 255");
    }

    #[test]
    fn an_unknown_variant_is_refused_at_its_field_without_repeating_it() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Way {
            Short,
            #[expect(dead_code, reason = "only its reading is tested")]
            Long(Inner),
        }
        #[derive(Debug, Deserialize)]
        struct Holder {
            #[expect(dead_code, reason = "only its reading is tested")]
            way: Way,
        }
        for json in [r#"{"way": "camille"}"#, r#"{"way": {"camille": 1}}"#] {
            let problem = parse::<Holder>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("way"), "{json}");
            assert_eq!(
                problem.detail.as_deref(),
                Some("way must be `short` or `long`"),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_of_another_kind_is_told_in_words_of_json() {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Kinds {
            degrees: f64,
            metres: u32,
            step: i8,
            list: Vec<u8>,
            named: std::collections::BTreeMap<String, u8>,
            is_so: bool,
            text: String,
        }
        for (json, detail) in [
            (r#"{"degrees": "x"}"#, "degrees must be a number"),
            (
                r#"{"metres": -1}"#,
                "metres must be a whole number from 0 to 4294967295",
            ),
            (
                r#"{"metres": 1.5}"#,
                "metres must be a whole number from 0 to 4294967295",
            ),
            (r#"{"step": 200}"#, "step must be a whole number from -128 to 127"),
            (r#"{"list": "x"}"#, "list must be a list"),
            (r#"{"list": [1, {}]}"#, "list[1] must be a whole number from 0 to 255"),
            (r#"{"named": 7}"#, "named must be an object"),
            (r#"{"is_so": 1}"#, "is_so must be true or false"),
            (r#"{"text": []}"#, "text must be a string"),
        ] {
            let problem = parse::<Kinds>(json.as_bytes()).unwrap_err();
            assert_eq!(problem.detail.as_deref(), Some(detail), "{json}");
        }
    }

    #[test]
    fn json_that_is_no_choice_is_refused_at_its_field_and_not_as_no_json() {
        use apropos_core::document::AudienceDocument;
        #[derive(Debug, Deserialize)]
        struct Holder {
            #[expect(dead_code, reason = "only its reading is tested")]
            audience: Box<AudienceOf>,
        }
        #[derive(Deserialize)]
        struct AudienceOf(#[expect(dead_code, reason = "only its reading is tested")] AudienceDocument);
        impl std::fmt::Debug for AudienceOf {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("AudienceOf")
            }
        }
        let wanted = "must be 'everyone', 'near_places' or an object with a list 'lifecycle'";
        for (audience, pointer, problem) in [
            (r#"{"lifecycle": ["active"], "near_places": true}"#, "/audience", wanted),
            ("{}", "/audience", wanted),
            ("7", "/audience", wanted),
            ("null", "/audience", wanted),
            ("[]", "/audience", wanted),
            (r#""nobody""#, "/audience", wanted),
            (r#""lifecycle""#, "/audience", wanted),
            (r#"{"near_places": null}"#, "/audience", wanted),
            (r#"{"everyone": null}"#, "/audience", wanted),
            (r#"{"lifecycle": 7}"#, "/audience/lifecycle", "must be a list"),
        ] {
            let json = format!(r#"{{"audience": {audience}}}"#);
            let problem_of = parse::<Holder>(json.as_bytes()).unwrap_err();
            assert_eq!(
                (problem_of.status, problem_of.pointer.as_deref()),
                (422, Some(pointer)),
                "{json}"
            );
            assert!(
                problem_of.detail.as_deref().unwrap().contains(problem),
                "{problem_of:?}"
            );
        }
        for audience in [r#""everyone""#, r#""near_places""#, r#"{"lifecycle": ["active"]}"#] {
            let json = format!(r#"{{"audience": {audience}}}"#);
            assert!(parse::<Holder>(json.as_bytes()).is_ok(), "{json}");
        }
        assert_eq!(parse::<Holder>(b"{").unwrap_err().status, 400);
    }

    #[test]
    fn what_is_nested_too_deeply_is_said_to_be() {
        let deep = format!("{}1{}", r#"{"inner": "#.repeat(130), "}".repeat(130));
        let problem = parse::<serde_json::Value>(deep.as_bytes()).unwrap_err();
        assert_eq!(problem.status, 400);
        assert!(
            problem.detail.as_deref().unwrap().contains("nested more than 127 deep"),
            "{problem:?}"
        );
        let less = format!("{}1{}", r#"{"inner": "#.repeat(127), "}".repeat(127));
        assert!(parse::<serde_json::Value>(less.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        assert_eq!(field_of(r#"{"inner": "x"}"#).1, "inner must be an object");
        let whole = parse::<Outer>(b"7").unwrap_err();
        assert_eq!(
            (whole.field, whole.detail.as_deref()),
            (None, Some("it must be an object"))
        );
    }

    #[test]
    fn an_array_is_not_taken_for_the_fields_in_their_order() {
        #[derive(Debug, Deserialize)]
        struct Optional {
            #[serde(default)]
            #[expect(dead_code, reason = "only its reading is tested")]
            run: Option<String>,
        }
        for json in ["[]", r#" ["run-1"]"#] {
            let problem = parse::<Optional>(json.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.status, problem.detail.as_deref()),
                (422, Some("it must be an object")),
                "{json}"
            );
        }
        let (field, detail) = field_of(r#"{"inner": [7]}"#);
        assert_eq!(
            (field.as_deref(), detail.as_str()),
            (Some("inner"), "inner must be an object")
        );
    }

    #[test]
    fn an_unknown_field_is_refused_without_repeating_it() {
        let (field, detail) = field_of(r#"{"inner": {"count": 1, "camille@example.com": 2}}"#);
        assert_eq!(field.as_deref(), Some("inner"));
        assert!(detail.contains("not known") && !detail.contains("camille"), "{detail}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (field, detail) = field_of(r#"{"inner": {}}"#);
        assert_eq!(field.as_deref(), Some("inner.count"));
        assert_eq!(detail, "inner.count is missing");
        assert_eq!(field_of("{}").0.as_deref(), Some("inner"));
    }

    #[test]
    fn trailing_text_is_malformed() {
        assert_eq!(parse::<Outer>(br#"{"inner": {"count": 1}} x"#).unwrap_err().status, 400);
    }
}
