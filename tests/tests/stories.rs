//! Stories over the local stack: each module tells one, as a brand, a customer and time see it.

mod stories {
    mod consent_to_leave;
    mod never_twice;
    mod quiet_and_caps;
    mod whom_it_suits;
    mod pause_and_cancel;
    mod tenants;
    mod bad_input;
    mod discreet;
    mod who_may_call;
}
