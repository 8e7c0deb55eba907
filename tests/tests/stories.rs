//! Stories over the local stack: each module tells one, as a brand, a customer and time see it.

mod stories {
    mod consent_to_leave;
    mod who_may_call;
}
