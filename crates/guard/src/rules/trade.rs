//! Keys of payment, commerce and identity services, and of wallets.

use super::{Rule, at_edge, prefixed};
use crate::check::mixed;
use crate::class::{ALNUM, Class, DIGIT, HEX, LOWER_ALNUM, TOKEN, WORD};
use crate::shape::Part::{AnyOf, Check, Lit, NotNext, Open, Run};
use crate::tail::Tail;

const UUID: Class = Class::of("0-9a-f-");

pub(super) const PREFIXED: &[Rule] = prefixed! {
    "flutterwave_secret": &["FLWSECK-", "FLWSECK_TEST-"], ALNUM, 32..48;
    "razorpay_key": &["rzp_live_", "rzp_test_"], ALNUM, 14;
    "plaid_access_token": &["access-sandbox-", "access-production-", "access-development-"], UUID, 36;
    "paddle_api_key": &["pdl_live_apikey_", "pdl_sdbx_apikey_"], WORD, 50..80;
    "woocommerce_key": &["ck_", "cs_"], HEX, 40;
    "pagarme_key": &["ak_live_", "ak_test_"], ALNUM, 30;
    "duffel_token": &["duffel_live_", "duffel_test_"], TOKEN, 43;
    "fleetbase_key": &["flb_live_", "flb_test_"], ALNUM, 20;
    "flexport_key": &["shltm_"], TOKEN, 40..48;
    "mollie_api_key": &["live_", "test_"], ALNUM, 30;
    "gocardless_token": &["live_"], TOKEN, 40;
    "adyen_api_key": &["AQE"], Class::of("A-Za-z0-9+/=-"), 100..300;
    "nostr_secret_key": &["nsec1"], LOWER_ALNUM, 58;
    "bitcoin_extended_key": &["xprv9", "yprv", "zprv"], ALNUM, 100..112;
    "age_plugin_identity": &["AGE-PLUGIN-"], Class::of("A-Z0-9-"), 30..200;
    "minisign_secret_key": &["RWRTY0Iy"], Class::of("A-Za-z0-9+/="), 100..300;
};

pub(super) const SHAPED: &[Rule] = &[
    at_edge(
        "twitch_stream_key",
        &["live_"],
        &[
            Lit("live_"),
            Run(DIGIT, 6, 12),
            Lit("_"),
            Run(ALNUM, 28, 32),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "braintree_access_token",
        &["access_token$"],
        &[
            AnyOf(&["access_token$production$", "access_token$sandbox$"]),
            Run(LOWER_ALNUM, 16, 16),
            Lit("$"),
            Run(HEX, 32, 32),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "stytch_secret",
        &["secret-"],
        &[
            AnyOf(&["secret-live-", "secret-test-"]),
            Run(TOKEN, 32, 48),
            Check(mixed),
            Open(Tail::Run(TOKEN)),
        ],
    ),
    at_edge(
        "zoho_oauth_token",
        &["1000."],
        &[
            Lit("1000."),
            Run(HEX, 31, 32),
            Lit("."),
            Run(HEX, 30, 32),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "salesforce_session",
        &["00D"],
        &[
            Lit("00D"),
            Run(ALNUM, 12, 15),
            Lit("!"),
            Run(Class::of("A-Za-z0-9._"), 60, 160),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9._"))),
        ],
    ),
];
