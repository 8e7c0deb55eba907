//! What SQS says to a call that it refuses.

use thiserror::Error;

/// Why SQS refuses a call. No variant holds a body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueueError {
    /// No queue has this name.
    #[error("the specified queue does not exist")]
    QueueDoesNotExist,
    /// A queue of this name exists with other settings.
    #[error("a queue of this name exists with other settings")]
    QueueNameExists,
    /// The handle has no form that a receive ever gave.
    #[error("the input receipt handle is invalid")]
    ReceiptHandleIsInvalid,
    /// The message is visible, so its timeout cannot change.
    #[error("the message is not in flight")]
    MessageNotInflight,
    /// The body holds a character outside XML 1.0's set.
    #[error("the message contains characters outside the allowed set")]
    InvalidMessageContents,
    /// A batch without entries.
    #[error("the batch request does not contain any entries")]
    EmptyBatchRequest,
    /// A batch of more than [`MAX_BATCH`](super::MAX_BATCH) entries.
    #[error("the batch request contains more entries than permissible")]
    TooManyEntriesInBatchRequest,
    /// Two entries share an id.
    #[error("two or more batch entries have the same id")]
    BatchEntryIdsNotDistinct,
    /// An entry's id is not 1 to 80 letters, digits, `-` and `_`.
    #[error("a batch entry id can only contain alphanumeric characters, hyphens and underscores")]
    InvalidBatchEntryId,
    /// The bodies together exceed [`MAX_BYTES`](super::MAX_BYTES).
    #[error("the batch request is longer than 1048576 bytes")]
    BatchRequestTooLong,
    /// An attribute that GetQueueAttributes does not know here.
    #[error("unknown attribute")]
    InvalidAttributeName,
    /// A value out of its range.
    #[error("the value of parameter {0} is invalid")]
    InvalidParameterValue(&'static str),
    /// A required member is absent or empty.
    #[error("the request must contain the parameter {0}")]
    MissingParameter(&'static str),
    /// A message attribute of another type than `String`, which this stand-in would otherwise drop without a word.
    #[error("message attributes of this type are not supported here")]
    UnsupportedOperation,
    /// An operation that this stand-in does not have.
    #[error("unknown operation")]
    UnknownOperation,
    /// The request is no JSON of the expected shape.
    #[error("the request could not be read")]
    UnreadableRequest,
}

impl QueueError {
    /// The `__type` of the JSON body, and the code of the `x-amzn-query-error` header; every one is the sender's fault
    /// and has status 400.
    #[must_use]
    pub const fn wire(&self) -> (&'static str, &'static str) {
        match self {
            Self::QueueDoesNotExist => (
                "com.amazonaws.sqs#QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
            ),
            Self::QueueNameExists => ("com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists"),
            Self::ReceiptHandleIsInvalid => ("com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::MessageNotInflight => (
                "com.amazonaws.sqs#MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
            ),
            Self::InvalidMessageContents => ("com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents"),
            Self::EmptyBatchRequest => (
                "com.amazonaws.sqs#EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
            ),
            Self::TooManyEntriesInBatchRequest => (
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::BatchEntryIdsNotDistinct => (
                "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            ),
            Self::InvalidBatchEntryId => (
                "com.amazonaws.sqs#InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
            ),
            Self::BatchRequestTooLong => (
                "com.amazonaws.sqs#BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
            ),
            Self::InvalidAttributeName => ("com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidParameterValue(_) => (
                "com.amazonaws.sqs#InvalidParameterValueException",
                "InvalidParameterValue",
            ),
            Self::MissingParameter(_) => (
                "com.amazon.coral.service#MissingRequiredParameterException",
                "MissingParameter",
            ),
            Self::UnsupportedOperation => (
                "com.amazonaws.sqs#UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
            ),
            Self::UnknownOperation => (
                "com.amazon.coral.service#UnknownOperationException",
                "UnknownOperationException",
            ),
            Self::UnreadableRequest => (
                "com.amazon.coral.service#SerializationException",
                "SerializationException",
            ),
        }
    }
}
