//! Stories over the local stack: each module tells one, as a brand, a customer and time see it.

mod stories {
    mod bad_input;
    mod consent_to_leave;
    mod discreet;
    mod erasure;
    mod events_of_aws;
    mod my_data;
    mod never_twice;
    mod pause_and_cancel;
    mod quiet_and_caps;
    mod sign_up;
    mod tenants;
    mod who_may_call;
    mod whom_it_suits;
}
