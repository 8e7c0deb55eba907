//! An error with what caused it, in one line of a log.

use std::error::Error;
use std::fmt;

/// Shows an error and each of its causes. A log line that holds an error as a value keeps its own words only: that a
/// store did not answer, but not why.
#[must_use]
pub const fn with_causes<'a>(error: &'a (dyn Error + 'static)) -> WithCauses<'a> {
    WithCauses(error)
}

/// See [`with_causes`].
#[derive(Debug, Clone, Copy)]
pub struct WithCauses<'a>(&'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the queue did not answer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("access denied")]
    struct Inner;

    #[test]
    fn causes_follow_the_error_in_order() {
        assert_eq!(
            with_causes(&Outer(Inner)).to_string(),
            "the queue did not answer: access denied"
        );
    }
}
