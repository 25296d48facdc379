//! Secrets that only their name gives away: `api_key = "…"`, `PASSWORD=…`, `"token": "…"`.

use super::Rule;
use crate::check::generated;
use crate::class::Class;
use crate::shape::Before;
use crate::shape::Part::{self, AnyOf, Check, Mark, NotNext, Run};

/// What may stand between the name and the sign: a closing quote or bracket, spaces.
const BEFORE_SIGN: Class = Class::of("\"'] \t\\");

/// What may stand between the sign and the value.
const AFTER_SIGN: Class = Class::of("\"'( \t\\");

const VALUE: Class = Class::of("A-Za-z0-9+/=_.~-");

const SIGN: Part = AnyOf(&["=>", ":=", "=", ":"]);

// Names stand here without their first letter, so that either case of it will do. A shape takes the
// name only when the sign follows at once: `token_count` and `passwords` are no names of secrets.

const A_NAMES: &[&str] = &[
    "pi_key",
    "pi-key",
    "pi-Key",
    "piKey",
    "PI_KEY",
    "pikey",
    "PIKEY",
    "PI-KEY",
    "pi key",
    "PI Key",
    "ccess_key",
    "ccessKey",
    "CCESS_KEY",
    "uth_key",
    "uthKey",
    "UTH_KEY",
];

const P_NAMES: &[&str] = &[
    "assword",
    "ASSWORD",
    "asswd",
    "ASSWD",
    "rivate_key",
    "rivateKey",
    "RIVATE_KEY",
    "assphrase",
    "ASSPHRASE",
];

const S_NAMES: &[&str] = &["ecret_key", "ecretKey", "ECRET_KEY", "ecret", "ECRET"];

const T_NAMES: &[&str] = &["oken", "OKEN"];

macro_rules! assigned {
    ($triggers:expr, $names:expr, $first:literal) => {
        Rule {
            name: "assigned_secret",
            triggers: $triggers,
            before: Before::In(Class::of($first)),
            shape: &[
                AnyOf($names),
                Run(BEFORE_SIGN, 0, 4),
                SIGN,
                Run(AFTER_SIGN, 0, 6),
                Mark,
                Run(VALUE, 16, 128),
                Check(generated),
                NotNext(Class::of("(")),
            ],
        }
    };
}

pub(super) const RULES: &[Rule] = &[
    assigned!(A_NAMES, A_NAMES, "aA"),
    assigned!(P_NAMES, P_NAMES, "pP"),
    assigned!(&["ecret", "ECRET"], S_NAMES, "sS"),
    assigned!(T_NAMES, T_NAMES, "tT"),
];
