//! Keys of clouds and of what runs in them.

use super::{Rule, at_edge};
use crate::check::{mixed, varied};
use crate::class::{ALNUM, BASE64, Class, HEX, LOWER_ALNUM, TOKEN, UPPER_ALNUM};
use crate::finding::SURE;
use crate::shape::Before;
use crate::shape::Part::{self, AnyOf, Check, Lit, Mark, NotNext, Open, Run};
use crate::tail::Tail;

const ON: Part = Open(Tail::Run(TOKEN));

/// What stands between a name and its value in configuration, code and logs.
const GAP: Class = Class::of(" \t\"'=:>,()[]\\");

const AZURE: Class = Class::of("A-Za-z0-9_~.-");

/// What stands inside a client secret, behind its first three characters.
const AZURE_INNER: &[&str] = &[
    "0Q~", "1Q~", "2Q~", "3Q~", "4Q~", "5Q~", "6Q~", "7Q~", "8Q~", "9Q~",
];

const VAULT: Class = Class::of("A-Za-z0-9_.-");

const BASE64_END: Class = Class::of("A-Za-z0-9+/=");

pub(super) const RULES: &[Rule] = &[
    at_edge(
        "aws_access_key_id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        &[
            AnyOf(&["AKIA", "ASIA", "ABIA", "ACCA"]),
            Run(UPPER_ALNUM, 16, 16),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    Rule {
        name: "aws_secret_access_key",
        triggers: &["ecret", "ECRET"],
        before: Before::In(Class::of("sS")),
        shape: &[
            AnyOf(&[
                "ecret_access_key",
                "ecretAccessKey",
                "ECRET_ACCESS_KEY",
                "ecret_key",
                "ecretKey",
                "ECRET_KEY",
            ]),
            Run(GAP, 1, 12),
            Mark,
            Run(BASE64, 40, 40),
            Check(mixed),
            NotNext(BASE64_END),
        ],
        score: SURE,
    },
    at_edge(
        "aws_mws_token",
        &["amzn.mws."],
        &[
            Lit("amzn.mws."),
            Run(Class::of("0-9a-f-"), 36, 36),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
    at_edge(
        "gcp_oauth_access_token",
        &["ya29."],
        &[Lit("ya29."), Run(TOKEN, 20, 256), Check(mixed), ON],
    ),
    at_edge(
        "gcp_oauth_client_secret",
        &["GOCSPX-"],
        &[Lit("GOCSPX-"), Run(TOKEN, 28, 28), Check(varied), NotNext(TOKEN)],
    ),
    at_edge(
        "gcp_refresh_token",
        &["1//0"],
        &[Lit("1//0"), Run(TOKEN, 40, 256), Check(mixed), ON],
    ),
    Rule {
        name: "azure_client_secret",
        triggers: AZURE_INNER,
        before: Before::In(AZURE),
        shape: &[
            AnyOf(AZURE_INNER),
            Run(AZURE, 31, 34),
            Check(mixed),
            NotNext(AZURE),
        ],
        score: SURE,
    },
    Rule {
        name: "azure_storage_key",
        triggers: &["ccountKey="],
        before: Before::In(Class::of("Aa")),
        shape: &[
            Lit("ccountKey="),
            Mark,
            Run(BASE64, 80, 88),
            Check(mixed),
            Open(Tail::Run(BASE64_END)),
        ],
        score: SURE,
    },
    Rule {
        name: "azure_shared_access_key",
        triggers: &["AccessKey="],
        before: Before::Ends(&["Shared"]),
        shape: &[
            Lit("AccessKey="),
            Mark,
            Run(BASE64, 40, 88),
            Check(mixed),
            Open(Tail::Run(BASE64_END)),
        ],
        score: SURE,
    },
    at_edge(
        "digitalocean_token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        &[
            AnyOf(&["dop_v1_", "doo_v1_", "dor_v1_"]),
            Run(HEX, 64, 64),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "databricks_token",
        &["dapi"],
        &[
            Lit("dapi"),
            Run(HEX, 32, 32),
            Check(varied),
            AnyOf(&["-2", "-3", ""]),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "vault_token",
        &["hvs.", "hvr."],
        &[AnyOf(&["hvs.", "hvr."]), Run(TOKEN, 24, 256), Check(mixed), ON],
    ),
    // It holds what it is for, encrypted, and is long for it.
    at_edge(
        "vault_token",
        &["hvb."],
        &[Lit("hvb."), Run(TOKEN, 100, 300), Check(mixed), ON],
    ),
    at_edge(
        "doppler_token",
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        &[
            AnyOf(&["dp.audit.", "dp.scim.", "dp.pt.", "dp.st.", "dp.ct.", "dp.sa."]),
            Run(VAULT, 40, 80),
            Check(mixed),
            Open(Tail::Run(ALNUM)),
        ],
    ),
    at_edge(
        "alibaba_access_key_id",
        &["LTAI"],
        &[Lit("LTAI"), Run(ALNUM, 12, 26), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "planetscale_token",
        &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
        &[
            AnyOf(&["pscale_tkn_", "pscale_pw_", "pscale_oauth_"]),
            Run(VAULT, 32, 64),
            Check(varied),
            NotNext(VAULT),
        ],
    ),
    at_edge(
        "tailscale_key",
        &["tskey-"],
        &[Lit("tskey-"), Run(TOKEN, 20, 96), Check(mixed), ON],
    ),
    at_edge(
        "cloudflare_origin_ca_key",
        &["v1.0-"],
        &[
            Lit("v1.0-"),
            Run(HEX, 24, 24),
            Lit("-"),
            Run(HEX, 146, 146),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "dynatrace_token",
        &["dt0"],
        &[
            AnyOf(&["dt0c01.", "dt0s01.", "dt0s02.", "dt0s08.", "dt0s16."]),
            Run(ALNUM, 24, 24),
            Lit("."),
            Run(ALNUM, 64, 64),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "supabase_token",
        &["sbp_"],
        &[
            Lit("sbp_"),
            Run(LOWER_ALNUM, 40, 64),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "fly_io_token",
        &["FlyV1 ", "fo1_", "fm2_", "fm1r_", "fm1a_"],
        &[
            AnyOf(&["FlyV1 ", "fo1_", "fm2_", "fm1r_", "fm1a_"]),
            Run(TOKEN, 40, 128),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9+/=,_-"))),
        ],
    ),
];
