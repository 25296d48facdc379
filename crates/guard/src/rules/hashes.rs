//! Stored passwords and key files: what an offline attack on a password starts from.

use super::{Rule, at_edge};
use crate::check::{mixed, varied};
use crate::class::{BASE64, Class, DIGIT, HEX};
use crate::shape::Part::{AnyOf, Check, Lit, Mark, NotNext, Open, Run};
use crate::tail::Tail;

/// The alphabet of crypt(3).
const CRYPT: Class = Class::of("./A-Za-z0-9");

/// The schemes of crypt(3) and of network devices.
const CRYPTS: &[&str] = &["$1$", "$5$", "$6$", "$8$", "$9$", "$y$", "$apr1$"];

const BASE64_LINES: Class = Class::of("A-Za-z0-9+/=\r\n");

pub(super) const RULES: &[Rule] = &[
    at_edge(
        "bcrypt_hash",
        &["$2a$", "$2b$", "$2y$"],
        &[
            AnyOf(&["$2a$", "$2b$", "$2y$"]),
            Run(DIGIT, 2, 2),
            Lit("$"),
            Run(CRYPT, 53, 53),
            Check(mixed),
            NotNext(CRYPT),
        ],
    ),
    at_edge(
        "crypt_hash",
        CRYPTS,
        &[
            AnyOf(CRYPTS),
            Run(CRYPT, 1, 32),
            Lit("$"),
            Run(CRYPT, 22, 86),
            Check(varied),
            NotNext(CRYPT),
        ],
    ),
    // With the number of rounds, or other parameters, before the salt.
    at_edge(
        "crypt_hash",
        CRYPTS,
        &[
            AnyOf(CRYPTS),
            Run(Class::of("./A-Za-z0-9="), 1, 20),
            Lit("$"),
            Run(CRYPT, 2, 32),
            Lit("$"),
            Run(CRYPT, 31, 86),
            Check(varied),
            NotNext(CRYPT),
        ],
    ),
    at_edge(
        "argon2_hash",
        &["$argon2"],
        &[
            AnyOf(&["$argon2id$", "$argon2i$", "$argon2d$"]),
            Run(Class::of("v=0-9"), 3, 8),
            Lit("$"),
            Run(Class::of("mtp=,0-9"), 8, 40),
            Lit("$"),
            Run(BASE64, 11, 64),
            Lit("$"),
            Run(BASE64, 20, 128),
            Check(mixed),
            NotNext(CRYPT),
        ],
    ),
    at_edge(
        "pbkdf2_hash",
        &["pbkdf2_sha256$", "pbkdf2_sha512$"],
        &[
            AnyOf(&["pbkdf2_sha256$", "pbkdf2_sha512$"]),
            Run(DIGIT, 3, 8),
            Lit("$"),
            Run(BASE64, 4, 64),
            Lit("$"),
            Run(BASE64, 20, 128),
            Check(mixed),
            NotNext(CRYPT),
        ],
    ),
    at_edge(
        "kerberos_hash",
        &["$krb5asrep$", "$krb5tgs$", "$krb5pa$"],
        &[
            AnyOf(&["$krb5asrep$", "$krb5tgs$", "$krb5pa$"]),
            Run(Class::of("A-Za-z0-9$@*.:/_-"), 40, 512),
            Check(mixed),
            Open(Tail::Run(HEX)),
        ],
    ),
    at_edge(
        "ldap_password_hash",
        &["{SSHA}", "{SSHA256}", "{SSHA512}"],
        &[
            AnyOf(&["{SSHA512}", "{SSHA256}", "{SSHA}"]),
            Mark,
            Run(BASE64, 30, 128),
            Check(mixed),
            NotNext(BASE64),
        ],
    ),
    at_edge(
        "putty_private_key",
        &["Private-Lines: "],
        &[
            Lit("Private-Lines: "),
            Run(DIGIT, 1, 4),
            AnyOf(&["\r\n", "\n"]),
            Mark,
            Run(BASE64, 40, 64),
            Check(mixed),
            Open(Tail::Run(BASE64_LINES)),
        ],
    ),
    at_edge(
        "laravel_app_key",
        &["base64:"],
        &[
            Lit("base64:"),
            Mark,
            Run(BASE64, 43, 43),
            Lit("="),
            Check(mixed),
            NotNext(BASE64),
        ],
    ),
    at_edge(
        "django_secret_key",
        &["django-insecure-"],
        &[
            Lit("django-insecure-"),
            Run(Class::of("!-~").minus(Class::of("\"'\\ ")), 40, 60),
            Check(mixed),
            NotNext(BASE64),
        ],
    ),
];
