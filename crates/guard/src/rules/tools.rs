//! Tokens of registries, builds, trackers and content tools.

use super::{Rule, at_edge, prefixed};
use crate::check::{both_cases, mixed};
use crate::class::{ALNUM, Class, DIGIT, HEX, LOWER_ALNUM, TOKEN, UPPER_ALNUM, WORD};
use crate::finding::SURE;
use crate::shape::Before;
use crate::shape::Part::{AnyOf, Check, Lit, NotNext, Open, Run};
use crate::tail::Tail;

const UUID: Class = Class::of("0-9a-f-");

const DOTTED: Class = Class::of("A-Za-z0-9_.-");

pub(super) const PREFIXED: &[Rule] = prefixed! {
    "crates_io_token": &["cio"], ALNUM, 32;
    "packagist_token": &["packagist_"], WORD, 60..96;
    "clojars_token": &["CLOJARS_"], HEX, 60;
    "artifactory_reference_token": &["cmVmd"], ALNUM, 59;
    "docker_swarm_token": &["SWMTKN-1-"], TOKEN, 70..96;
    "contentful_token": &["CFPAT-"], TOKEN, 43..80;
    "trello_token": &["ATTA"], HEX, 72;
    "typeform_token": &["tfp_"], DOTTED, 40..64;
    "dependency_track_key": &["odt_"], ALNUM, 32..48;
    "sourcegraph_cody_key": &["slk_"], HEX, 64;
    "jumpcloud_key": &["jca_"], ALNUM, 36;
    "frame_io_token": &["fio-u-"], TOKEN, 64;
    "forty_two_secret": &["s-s4t2ud-", "s-s4t2af-"], HEX, 64;
    "adafruit_io_key": &["aio_"], ALNUM, 28;
    "databento_key": &["db-"], ALNUM, 29;
    "lichess_token": &["lip_"], ALNUM, 20;
    "nightfall_key": &["NF-"], ALNUM, 32;
    "ubidots_token": &["BBFF-", "BBUS-"], TOKEN, 30..40;
    "ionic_token": &["ion_"], ALNUM, 42;
    "settlemint_token": &["sm_aat_", "sm_pat_", "sm_sat_"], ALNUM, 16;
    "pubnub_secret": &["sec-c-"], Class::of("A-Za-z0-9+/=-"), 36..64;
    "statsig_secret": &["secret-"], ALNUM, 40..64;
    "instagram_token": &["IGQV", "IGAA"], TOKEN, 100..300;
    "pinterest_token": &["pina_"], ALNUM, 60..120;
    "dropbox_token": &["sl."], TOKEN, 100..300;
    "elevenlabs_api_key": &["sk_"], HEX, 48;
};

/// What stands before parts of addresses and file names.
const IN_PATH: Class = Class::of("A-Za-z0-9_./-");

pub(super) const SHAPED: &[Rule] = &[
    at_edge(
        "wandb_api_key",
        &["wandb"],
        &[Lit("wandb_v1_"), Run(WORD, 40, 96), Check(mixed), NotNext(WORD)],
    ),
    at_edge(
        "snyk_token",
        &["snyk"],
        &[
            AnyOf(&["snyk_uat.", "snyk_sat."]),
            Run(DOTTED, 40, 200),
            Check(mixed),
            Open(Tail::Run(DOTTED)),
        ],
    ),
    at_edge(
        "octopus_deploy_key",
        &["API-"],
        &[Lit("API-"), Run(UPPER_ALNUM, 25, 32), Check(mixed), NotNext(WORD)],
    )
    .not_behind(IN_PATH),
    at_edge(
        "infracost_api_key",
        &["ico-"],
        &[Lit("ico-"), Run(ALNUM, 32, 32), Check(both_cases), NotNext(WORD)],
    )
    .not_behind(IN_PATH),
    at_edge(
        "langfuse_secret_key",
        &["sk-"],
        &[Lit("sk-lf-"), Run(UUID, 36, 36), Check(mixed), NotNext(WORD)],
    ),
    at_edge(
        "airtable_token",
        &["pat"],
        &[
            Lit("pat"),
            Run(ALNUM, 14, 14),
            Lit("."),
            Run(HEX, 64, 64),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "hubspot_token",
        &["pat"],
        &[
            AnyOf(&["pat-na1-", "pat-na2-", "pat-eu1-", "pat-ap1-"]),
            Run(UUID, 36, 36),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "harness_token",
        &["pat"],
        &[
            Lit("pat."),
            Run(TOKEN, 22, 22),
            Lit("."),
            Run(HEX, 24, 24),
            Lit("."),
            Run(ALNUM, 20, 20),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "clickup_token",
        &["pk_"],
        &[
            Lit("pk_"),
            Run(DIGIT, 5, 12),
            Lit("_"),
            Run(UPPER_ALNUM, 28, 36),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "resend_api_key",
        &["re_"],
        &[
            Lit("re_"),
            Run(ALNUM, 8, 8),
            Lit("_"),
            Run(ALNUM, 24, 24),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "voiceflow_key",
        &["VF."],
        &[
            AnyOf(&["VF.DM.", "VF.WS."]),
            Run(HEX, 24, 24),
            Lit("."),
            Run(ALNUM, 16, 16),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    Rule {
        name: "terraform_cloud_token",
        triggers: &["atlasv1."],
        before: Before::Ends(&["."]),
        shape: &[
            Lit("atlasv1."),
            Run(TOKEN, 50, 80),
            Check(mixed),
            Open(Tail::Run(TOKEN)),
        ],
        score: SURE,
    },
    // Keys of Azure's own services carry this mark in their middle; what stands before it is as secret.
    at_edge(
        "azure_platform_key",
        &["JQQJ99"],
        &[Lit("JQQJ99"), Run(ALNUM, 26, 26), Check(mixed), NotNext(WORD)],
    )
    .after(ALNUM),
    at_edge(
        "azure_sas_signature",
        &["sig="],
        &[
            Lit("sig="),
            Run(Class::of("A-Za-z0-9+/%"), 43, 80),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9+/%="))),
        ],
    )
    .after(Class::of("?&;")),
    at_edge(
        "zapier_webhook_url",
        &["hooks.zapier.com/"],
        &[
            Lit("hooks.zapier.com/hooks/catch/"),
            Run(Class::of("A-Za-z0-9/"), 12, 40),
            Check(mixed),
            Open(Tail::Run(LOWER_ALNUM)),
        ],
    ),
    at_edge(
        "firebase_server_key",
        &[":APA91b"],
        &[
            Lit(":APA91b"),
            Run(TOKEN, 120, 160),
            Check(mixed),
            Open(Tail::Run(TOKEN)),
        ],
    )
    .after(TOKEN),
];
