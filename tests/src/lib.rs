//! Stories over the local stack.
