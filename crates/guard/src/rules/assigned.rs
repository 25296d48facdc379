//! Secrets that only their name gives away: `api_key = "…"`, `Authorization: …`, `DB_PASSWORD=…`.

use super::{CHOSEN, LIKELY, Rule};
use crate::class::Class;
use crate::password::{argument_password, is_password, is_short_secret};
use crate::shape::Part::{AnyOf, Assigned, Check, Chosen, Mark, Run};
use crate::shape::{Before, Names};
use crate::value::generated;

/// What stands before `token`, `key` and their like in names of what is no secret.
const OPEN_NAMES: &Names = &Names::of(&[
    "public",
    "pub",
    "csrf",
    "xsrf",
    "authenticity",
    "forgery",
    "page",
    "next",
    "continuation",
    "cancellation",
    "sync",
    "resume",
    "primary",
    "foreign",
    "partition",
    "sort",
    "shard",
    "row",
    "cache",
    "idempotency",
    "dedupe",
    "bucket",
    "object",
    "routing",
    "kms",
    "cmk",
    "host",
    "schema",
    "sequence",
    "unique",
    "lookup",
    "translation",
    "verification",
    "recaptcha_site",
    "site",
    "publishable",
    "anon",
]);

// Names stand here without their first letter, so that either case of it will do.

macro_rules! assigned {
    ($triggers:expr, $first:literal, $upper:literal) => {
        Rule {
            name: "assigned_secret",
            triggers: $triggers,
            before: Before::Named(Class::of($first), OPEN_NAMES),
            shape: &[
                AnyOf($triggers),
                Assigned {
                    upper: $upper,
                    test: generated,
                },
            ],
            score: LIKELY,
        }
    };
}

const PASSWORDS: &[&str] = &["assword", "ASSWORD", "asswd", "ASSWD", "assphrase", "ASSPHRASE"];

const SECRETS: &[&str] = &[
    "ecret", "ECRET", "oken", "OKEN", "pi_key", "pi-key", "pi-Key", "piKey", "pikey", "PI_KEY", "PI-KEY",
    "PIKEY",
];

pub(super) const RULES: &[Rule] = &[
    assigned!(&["ecret"], "sS", false),
    assigned!(&["ECRET"], "S", true),
    assigned!(&["oken"], "tT", false),
    assigned!(&["OKEN"], "T", true),
    assigned!(&["key"], "A-Za-z0-9_. -", false),
    assigned!(&["Key"], "A-Za-z0-9_. -", false),
    assigned!(&["KEY"], "A-Za-z0-9_. -", true),
    assigned!(&["assword", "asswd", "assphrase"], "pP", false),
    assigned!(&["ASSWORD", "ASSWD", "ASSPHRASE"], "P", true),
    assigned!(&["redential", "horization"], "cCt", false),
    assigned!(&["REDENTIAL", "HORIZATION"], "CT", true),
    assigned!(&["_pass", "_pat", "_auth", "-auth"], "A-Za-z0-9", false),
    assigned!(&["_PASS", "_PAT", "_AUTH"], "A-Za-z0-9", true),
    assigned!(&["ACCESS"], "A-Za-z0-9_. -", true),
    assigned!(&["PRIVATE"], "A-Za-z0-9_. -", true),
    Rule {
        name: "assigned_short_secret",
        triggers: SECRETS,
        before: Before::Named(Class::of("aAsStT"), OPEN_NAMES),
        shape: &[AnyOf(SECRETS), Chosen(is_short_secret)],
        score: CHOSEN,
    },
    Rule {
        name: "assigned_password",
        triggers: PASSWORDS,
        before: Before::In(Class::of("pP")),
        shape: &[AnyOf(PASSWORDS), Chosen(is_password)],
        score: CHOSEN,
    },
    Rule {
        name: "assigned_password",
        triggers: &["pwd", "Pwd", "PWD"],
        before: Before::EndsNot(&["OLD", "$", "old"]),
        shape: &[AnyOf(&["pwd", "Pwd", "PWD"]), Chosen(is_password)],
        score: CHOSEN,
    },
    Rule {
        name: "basic_auth_argument",
        triggers: &["-u ", "-user "],
        before: Before::In(Class::of(" -")),
        shape: &[
            AnyOf(&["-u ", "-user "]),
            Run(Class::of(" '\""), 0, 3),
            Run(USER, 0, 64),
            AnyOf(&["\":\"", "':'", ":'", ":\"", ":"]),
            Mark,
            Run(SECRET, 6, 64),
            Check(argument_password),
        ],
        score: CHOSEN,
    },
];

const USER: Class = Class::of("A-Za-z0-9_@.+-");

const SECRET: Class = Class::of("!-~").minus(Class::of("\"'`\\;<>()|"));
