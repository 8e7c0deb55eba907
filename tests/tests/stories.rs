//! Stories over the local stack: each module tells one, as a brand, a customer and time see it.

mod stories {
    mod bad_input;
    mod broken_contact;
    mod consent_to_leave;
    mod contract;
    mod current_place;
    mod data_lapses;
    mod discreet;
    mod discreet_pages;
    mod erasure;
    mod events_of_aws;
    mod explanations;
    mod feedback;
    mod hostile_words;
    mod lapses;
    mod large_cell;
    mod my_data;
    mod never_twice;
    mod pace;
    mod page_benchmark;
    mod parked;
    mod pause_and_cancel;
    mod preferences;
    mod public_pages;
    mod quiet_and_caps;
    mod reach;
    mod roles;
    mod sent_again;
    mod sign_up;
    mod template;
    mod template_routes;
    mod tenants;
    mod timing;
    mod tokens;
    mod who_may_call;
    mod whom_it_suits;
}
