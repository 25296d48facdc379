//! Keys of model providers, and our own.

use super::{OPEN, Rule, at_edge};
use crate::check::{anthropic_key, both_cases, mixed, varied};
use crate::class::{ALNUM, BASE64, Class, HEX, TOKEN, WORD};
use crate::finding::SURE;
use crate::shape::Before;
use crate::shape::Part::{AnyOf, Check, Lit, Mark, NotNext, NotThen, Open, Run, Unless};
use crate::tail::Tail;

const GOOGLE: &[crate::shape::Part] = &[
    Lit("AIza"),
    Run(TOKEN, 35, 35),
    Check(varied),
    NotNext(TOKEN),
    // What names an application of Firebase to its users: its vendor says that it is no secret.
    NotThen(
        Class::of(" \t\r\n\"',;\\"),
        24,
        &[
            "authDomain",
            "auth_domain",
            "databaseURL",
            "projectId",
            "project_id",
        ],
    ),
];

const ON: crate::shape::Part = Open(Tail::Run(TOKEN));

pub(super) const RULES: &[Rule] = &[
    // Ours. Shorter than a whole key on purpose: a cut one is still worth hiding.
    at_edge(
        "bartizan_virtual_key",
        &["btz_"],
        &[Lit("btz_"), Run(ALNUM, 8, 128), Check(varied), ON],
    ),
    at_edge(
        "anthropic_api_key",
        &["sk-"],
        &[Lit("sk-ant-"), Run(TOKEN, 24, 128), Check(anthropic_key), ON],
    )
    .not_inside(),
    at_edge(
        "openrouter_api_key",
        &["sk-"],
        &[Lit("sk-or-v1-"), Run(HEX, 32, 64), Check(mixed), ON],
    )
    .not_inside(),
    at_edge(
        "openai_api_key",
        &["sk-"],
        &[
            Lit("sk-"),
            Unless(&["ant-", "or-v1-", "lf-"]),
            Mark,
            Run(TOKEN, 20, 200),
            Check(mixed),
            ON,
        ],
    )
    .not_inside(),
    at_edge(
        "huggingface_token",
        &["hf_", "api_org_"],
        &[
            AnyOf(&["api_org_", "hf_"]),
            Run(ALNUM, 30, 40),
            Check(both_cases),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "groq_api_key",
        &["gsk_"],
        &[Lit("gsk_"), Run(ALNUM, 48, 64), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "xai_api_key",
        &["xai-"],
        &[Lit("xai-"), Run(WORD, 70, 90), Check(mixed), NotNext(WORD)],
    ),
    at_edge(
        "perplexity_api_key",
        &["pplx-"],
        &[Lit("pplx-"), Run(ALNUM, 40, 64), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "nvidia_api_key",
        &["nvapi-"],
        &[Lit("nvapi-"), Run(TOKEN, 56, 80), Check(mixed), ON],
    ),
    at_edge(
        "replicate_api_token",
        &["r8_"],
        &[Lit("r8_"), Run(ALNUM, 37, 40), Check(mixed), NotNext(ALNUM)],
    ),
    // A key for browsers and one for servers look the same. One that nothing names is more often the former.
    Rule {
        name: "google_api_key",
        triggers: &["AIza"],
        before: Before::Told(true),
        shape: GOOGLE,
        score: SURE,
    },
    Rule {
        name: "google_api_key",
        triggers: &["AIza"],
        before: Before::Told(false),
        shape: GOOGLE,
        score: OPEN,
    },
    at_edge(
        "aws_bedrock_api_key",
        &["ABSK"],
        &[
            Lit("ABSK"),
            Run(BASE64, 100, 300),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9+/="))),
        ],
    ),
];
