//! Credentials of no vendor: private keys, JWTs, URLs with passwords, authorization headers.

use super::{Rule, at_edge};
use crate::check::{
    basic_credentials, encoded_private_key, jwt_header, key_material, mixed, private_key_label, real_password,
};
use crate::class::{BASE64, Class, TOKEN};
use crate::finding::SURE;
use crate::shape::Before;
use crate::shape::Part::{Ahead, AnyOf, Check, Lit, Mark, NotNext, Open, Run};
use crate::tail::{PEM_BODY, PemTail, Tail};

/// Schemes of databases, queues and caches. The driver may be the last part (`mysql+pymysql`).
const STORES: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "sqlserver",
    "clickhouse",
    "cockroachdb",
    "couchdb",
    "nats",
    "ldap",
    "ldaps",
    "smtp",
    "smtps",
    "pymysql",
    "asyncpg",
    "psycopg",
    "psycopg2",
    "aiomysql",
    "valkey",
    "oracle",
    "db2",
];

const USER: Class = Class::of(" -~").minus(Class::of(" /:@?#\"'<>`\\,;|"));

const PASSWORD: Class = Class::of("!-~").minus(Class::of("/@?\"'<>`\\,;|")).and_beyond();

const HOST: Class = Class::of("A-Za-z0-9_[{$%<");

const BEARER: Class = Class::of("A-Za-z0-9._~+/=-");

const BASE64_END: Class = Class::of("A-Za-z0-9+/=");

const URL_SHAPE: &[crate::shape::Part] = &[
    Lit("://"),
    Run(USER, 0, 64),
    Lit(":"),
    Mark,
    Run(PASSWORD, 3, 128),
    Check(real_password),
    Lit("@"),
    Run(HOST, 1, 1),
];

/// The longest header and payload of a JWT that are looked through. A longer payload is taken for
/// one, so a token cannot escape by being large.
const JWT_HEADER_MAX: usize = 1_024;
const JWT_PAYLOAD_MAX: usize = 2_048;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "private_key",
        triggers: &["-----BEGIN "],
        before: Before::Not(Class::of("")),
        shape: &[
            Lit("-----BEGIN "),
            Mark,
            Run(Class::of("A-Z0-9 "), 11, 48),
            Check(private_key_label),
            Lit("-----"),
            Ahead(PEM_BODY, 512, key_material),
            Open(Tail::Pem(PemTail::body())),
        ],
        score: SURE,
    },
    at_edge(
        "private_key_base64",
        &["LS0tLS1CRUdJTi"],
        &[
            Lit("LS0tLS1CRUdJTi"),
            Run(BASE64, 40, 60),
            Check(encoded_private_key),
            Open(Tail::Run(BASE64_END)),
        ],
    ),
    Rule {
        name: "jwt",
        triggers: &["eyJ"],
        before: Before::Not(TOKEN),
        shape: &[
            Lit("eyJ"),
            Run(TOKEN, 14, JWT_HEADER_MAX),
            Check(jwt_header),
            Lit("."),
            Run(TOKEN, 10, JWT_PAYLOAD_MAX),
            Lit("."),
            Run(TOKEN, 16, 16),
            Open(Tail::Run(TOKEN)),
        ],
        score: SURE,
    },
    Rule {
        name: "jwt",
        triggers: &["eyJ"],
        before: Before::Not(TOKEN),
        shape: &[
            Lit("eyJ"),
            Run(TOKEN, 14, JWT_HEADER_MAX),
            Check(jwt_header),
            Lit("."),
            Run(TOKEN, JWT_PAYLOAD_MAX, JWT_PAYLOAD_MAX),
            Run(TOKEN, 1, 1),
            Open(Tail::Run(Class::of("A-Za-z0-9_.-"))),
        ],
        score: SURE,
    },
    Rule {
        name: "connection_string_password",
        triggers: &["://"],
        before: Before::Ends(STORES),
        shape: URL_SHAPE,
        score: SURE,
    },
    Rule {
        name: "basic_auth_url",
        triggers: &["://"],
        before: Before::EndsNot(STORES),
        shape: URL_SHAPE,
        score: SURE,
    },
    Rule {
        name: "bearer_token",
        triggers: &["Bearer ", "bearer "],
        before: Before::Edge,
        shape: &[
            AnyOf(&["Bearer ", "bearer "]),
            Mark,
            Run(BEARER, 16, 256),
            Check(mixed),
            Open(Tail::Run(BEARER)),
        ],
        score: SURE,
    },
    Rule {
        name: "basic_credentials",
        triggers: &["Basic ", "basic "],
        before: Before::Edge,
        shape: &[
            AnyOf(&["Basic ", "basic "]),
            Mark,
            Run(BASE64_END, 10, 256),
            Check(basic_credentials),
            NotNext(BASE64_END),
        ],
        score: SURE,
    },
];
