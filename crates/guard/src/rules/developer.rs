//! Tokens of source forges, registries and developers' tools.

use super::{Rule, at_edge};
use crate::check::{mixed, sourcegraph_token, varied};
use crate::class::{ALNUM, Class, DIGIT, HEX, LOWER_ALNUM, TOKEN, WORD};
use crate::shape::Part::{self, AnyOf, Check, Lit, NotNext, Open, Run};
use crate::tail::Tail;

const ON: Part = Open(Tail::Run(TOKEN));

const GITLAB: &[&str] = &[
    "glpat-",
    "glptt-",
    "glcbt-",
    "glimt-",
    "glsoat-",
    "gldt-",
    "glrt-",
    "glft-",
    "GR1348941",
];

const ATLASSIAN: Class = Class::of("A-Za-z0-9_=-");

pub(super) const RULES: &[Rule] = &[
    at_edge(
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        &[
            AnyOf(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
            Run(ALNUM, 36, 255),
            Check(varied),
            Open(Tail::Run(ALNUM)),
        ],
    ),
    at_edge(
        "github_fine_grained_token",
        &["github_pat_"],
        &[
            Lit("github_pat_"),
            Run(WORD, 36, 128),
            Check(varied),
            Open(Tail::Run(WORD)),
        ],
    ),
    at_edge(
        "gitlab_token",
        GITLAB,
        &[AnyOf(GITLAB), Run(TOKEN, 20, 128), Check(varied), ON],
    ),
    at_edge(
        "npm_token",
        &["npm_"],
        &[Lit("npm_"), Run(ALNUM, 36, 36), Check(varied), NotNext(ALNUM)],
    ),
    at_edge(
        "pypi_token",
        &["pypi-"],
        &[Lit("pypi-Ag"), Run(TOKEN, 50, 256), Check(mixed), ON],
    ),
    at_edge(
        "rubygems_token",
        &["rubygems_"],
        &[Lit("rubygems_"), Run(HEX, 48, 48), Check(varied), NotNext(ALNUM)],
    ),
    at_edge(
        "nuget_api_key",
        &["oy2"],
        &[Lit("oy2"), Run(LOWER_ALNUM, 43, 43), Check(mixed), NotNext(WORD)],
    ),
    at_edge(
        "docker_hub_token",
        &["dckr_pat_", "dckr_oat_"],
        &[
            AnyOf(&["dckr_pat_", "dckr_oat_"]),
            Run(TOKEN, 27, 36),
            Check(varied),
            ON,
        ],
    ),
    at_edge(
        "atlassian_token",
        &["ATATT3", "ATCTT3"],
        &[
            AnyOf(&["ATATT3", "ATCTT3"]),
            Run(ATLASSIAN, 50, 256),
            Check(mixed),
            Open(Tail::Run(ATLASSIAN)),
        ],
    ),
    at_edge(
        "bitbucket_app_password",
        &["ATBB"],
        &[Lit("ATBB"), Run(ALNUM, 24, 40), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "linear_api_key",
        &["lin_api_", "lin_oauth_"],
        &[
            AnyOf(&["lin_oauth_", "lin_api_"]),
            Run(ALNUM, 40, 64),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "postman_api_key",
        &["PMAK-"],
        &[
            Lit("PMAK-"),
            Run(HEX, 24, 24),
            Lit("-"),
            Run(HEX, 34, 34),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "sentry_token",
        &["sntrys_", "sntryu_"],
        &[
            AnyOf(&["sntrys_", "sntryu_"]),
            Run(WORD, 40, 256),
            Check(mixed),
            Open(Tail::Run(Class::of("A-Za-z0-9+/=_-"))),
        ],
    ),
    at_edge(
        "grafana_token",
        &["glsa_", "glc_"],
        &[
            AnyOf(&["glsa_", "glc_"]),
            Run(Class::of("A-Za-z0-9+/=_"), 32, 400),
            Check(mixed),
            Open(Tail::Run(WORD)),
        ],
    ),
    at_edge(
        "new_relic_key",
        &["NRAK-", "NRII-", "NRJS-", "NRIQ-", "NRRA-", "NRAA-"],
        &[
            AnyOf(&["NRAK-", "NRII-", "NRJS-", "NRIQ-", "NRRA-", "NRAA-"]),
            Run(TOKEN, 19, 48),
            Check(mixed),
            NotNext(TOKEN),
        ],
    ),
    at_edge(
        "sourcegraph_token",
        &["sgp_"],
        &[
            Lit("sgp_"),
            Run(WORD, 40, 64),
            Check(sourcegraph_token),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "sonar_token",
        &["squ_", "sqp_", "sqa_"],
        &[
            AnyOf(&["squ_", "sqp_", "sqa_"]),
            Run(HEX, 40, 40),
            Check(varied),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "artifactory_token",
        &["AKCp"],
        &[Lit("AKCp"), Run(ALNUM, 60, 80), Check(mixed), NotNext(ALNUM)],
    ),
    at_edge(
        "pulumi_token",
        &["pul-"],
        &[Lit("pul-"), Run(HEX, 40, 40), Check(varied), NotNext(ALNUM)],
    ),
    at_edge(
        "figma_token",
        &["figd_", "figo_"],
        &[AnyOf(&["figd_", "figo_"]), Run(TOKEN, 36, 64), Check(mixed), ON],
    ),
    at_edge(
        "buildkite_token",
        &["bkua_", "bkpt_", "bkaj_", "bkct_"],
        &[
            AnyOf(&["bkua_", "bkpt_", "bkaj_", "bkct_"]),
            Run(TOKEN, 40, 96),
            Check(mixed),
            ON,
        ],
    ),
    at_edge(
        "readme_api_key",
        &["rdme_"],
        &[
            Lit("rdme_"),
            Run(LOWER_ALNUM, 60, 80),
            Check(mixed),
            NotNext(ALNUM),
        ],
    ),
    at_edge(
        "circleci_token",
        &["CCIP"],
        &[
            AnyOf(&["CCIPAT_", "CCIPRJ_"]),
            Run(WORD, 50, 80),
            Check(mixed),
            NotNext(WORD),
        ],
    ),
    at_edge(
        "telegram_bot_token",
        &[":AA"],
        &[Lit(":AA"), Run(TOKEN, 32, 34), Check(mixed), NotNext(TOKEN)],
    )
    .after(DIGIT),
];
