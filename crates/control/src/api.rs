//! The one list of what the control plane can do. Routes, permissions, the OpenAPI document and the tests
//! that try every endpoint with every role are made from it; there is no path beside it.

use std::pin::Pin;

use domain::Permission;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::call::{Call, Done};
use crate::page::Page;
use crate::problem::{Code, Problem};
use crate::resource::budgets::stops;
use crate::resource::usage::openai;
use crate::resource::{
    alerts, approvals, audit, break_glass, budgets, chargeback, configuration, consents, costs, credentials,
    differences, exchanges, findings, grants, guards, history, instance, keys, me, offboarding, outlook,
    passkeys, policies, price_sheet, projects, prompts, reconciliations, reratings, samples, schedules, scim,
    served, services, sessions, sinks, sso, sso_sign_in, teams, tenants, tokens, usage, users, versions,
};
use crate::why;

/// What a handler gives back, later.
pub type Run = fn(Call, Vec<u8>) -> Pin<Box<dyn Future<Output = Done> + Send>>;

/// One thing that can be asked.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with `{parameters}`.
    pub path: &'static str,
    /// What the caller must be permitted. Without one it is for everybody, or for whoever is signed in.
    pub permission: Option<Permission>,
    /// Whether nobody need be signed in.
    pub is_open: bool,
    /// Its name for programs: `teams.create`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Names of what the query may hold beside `cursor`, `limit` and `dry_run`, and what each means.
    pub query: &'static [(&'static str, &'static str)],
    /// What the list may be sorted by, each also backwards with a `-` before it.
    pub sorts: &'static [&'static str],
    /// The body's schema, unless there is none.
    pub body: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The answer's schema, unless there is none.
    pub answer: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// Whether the answer is a page.
    pub is_list: bool,
    /// What does it.
    pub run: Run,
}

impl Endpoint {
    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        self.method != Method::GET
    }
}

/// A body that is none.
#[derive(Debug, JsonSchema)]
pub struct Nothing;

/// What a body or answer can be.
pub trait Shape {
    /// Whether there is one.
    const IS_THERE: bool = true;
    /// Whether it is a page of a list.
    const IS_LIST: bool = false;
    /// Its schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// What reads from a body.
pub trait Body: Sized {
    /// Reads it.
    fn read(bytes: &[u8]) -> Result<Self, Problem>;
}

impl Shape for Nothing {
    const IS_THERE: bool = false;
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<()>()
    }
}

impl Body for Nothing {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() {
            return Ok(Self);
        }
        Err(Problem::new(Code::Malformed, "this takes no body"))
    }
}

impl<T: JsonSchema> Shape for Page<T> {
    const IS_LIST: bool = true;
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

/// Marks what is read from bodies: unknown members are refused, so nothing is set that was not meant to be.
pub trait Given: DeserializeOwned + JsonSchema {}

/// Says of types what they are on the wire.
#[macro_export]
macro_rules! shapes {
    (given: $($given:ty),* ; shown: $($shown:ty),* $(;)?) => {
        $(
            impl $crate::api::Given for $given {}
            impl $crate::api::Shape for $given {
                fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    generator.subschema_for::<Self>()
                }
            }
        )*
        $(
            impl $crate::api::Shape for $shown {
                fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    generator.subschema_for::<Self>()
                }
            }
        )*
    };
}

/// Bodies that hold a secret are never printed, only named.
#[macro_export]
macro_rules! silent {
    ($($type:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}

impl<T: Given> Body for T {
    // threat: ANP-0014
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer = error.path().iter().map(step).collect::<String>();
            Problem::new(Code::Malformed, clip(&error.inner().to_string())).at(pointer)
        })?;
        reader
            .end()
            .map_err(|_| Problem::new(Code::Malformed, "something follows the JSON value"))?;
        Ok(value)
    }
}

/// One step of a JSON pointer (RFC 6901).
fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}

/// An error's text without the position, which the pointer says better, and not for ever.
fn clip(text: &str) -> String {
    let text = text.split(" at line ").next().unwrap_or(text);
    text.chars().take(300).collect()
}

/// An answer of free form.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Anything(#[expect(dead_code, reason = "only its schema is used")] serde_json::Value);

shapes! { given: ; shown: Anything }

macro_rules! open {
    (open) => {
        true
    };
    (signed_in) => {
        false
    };
    ($permission:ident) => {
        false
    };
}

macro_rules! permission {
    (open) => {
        None
    };
    (signed_in) => {
        None
    };
    ($permission:ident) => {
        Some(Permission::$permission)
    };
}

macro_rules! endpoints {
    ($($method:ident $path:literal, $who:ident, $module:ident :: $name:ident
        ($body:ty) -> $answer:ty, $summary:literal $(, query: [$($key:literal = $meaning:literal),*])?
        $(, sort: [$($sort:literal),*])?;)*) => {
        /// All of them, in the order of the documentation.
        pub static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: Method::$method,
            path: $path,
            permission: permission!($who),
            is_open: open!($who),
            name: concat!(stringify!($module), ".", stringify!($name)),
            summary: $summary,
            query: &[$($(($key, $meaning)),*)?],
            sorts: &[$($($sort),*)?],
            body: if <$body as Shape>::IS_THERE { Some(<$body as Shape>::schema) } else { None },
            answer: if <$answer as Shape>::IS_THERE { Some(<$answer as Shape>::schema) } else { None },
            is_list: <$answer as Shape>::IS_LIST,
            run: |call, bytes| Box::pin(async move {
                let body = <$body as Body>::read(&bytes)?;
                $module::$name(call, body).await
            }),
        },)*];
    };
}

endpoints! {
    GET "/api/v1/version", open, instance::version(Nothing) -> instance::VersionView, "Which release, and which store engine";
    GET "/api/v1/ledger/key", open, instance::ledger_key(Nothing) -> instance::LedgerKeyView, "The public key that verifies this instance's logs";
    GET "/api/v1/openapi.json", open, instance::openapi(Nothing) -> Anything, "This API as an OpenAPI 3.1 document";
    POST "/api/v1/setup", open, sessions::set_up(sessions::SetUp) -> sessions::NewSession, "Make the first administrator, with the one-time token of the first start";
    POST "/api/v1/sessions", open, sessions::sign_in(sessions::SignIn) -> sessions::NewSession, "Sign in";
    POST "/api/v1/sessions/passkey", open, sessions::begin_passkey(passkeys::WhoSignsIn) -> passkeys::Asked, "Begin to sign in by passkey: what to ask the authenticator";
    POST "/api/v1/sessions/passkey/confirm", open, sessions::sign_in_passkey(passkeys::ShownPasskey) -> sessions::NewSession, "Sign in by passkey";
    POST "/api/v1/sessions/sso", open, sessions::begin_sso(sso_sign_in::WhoseSso) -> sso_sign_in::Begun, "Begin single sign-on: where to send the browser";
    POST "/api/v1/sessions/sso/finish", open, sessions::sign_in_sso(sso_sign_in::Finish) -> sessions::NewSession, "Sign in by single sign-on";
    POST "/api/v1/password", open, sessions::set_password(sessions::SetPassword) -> Nothing, "Set a password, with the one-time token of an invitation or reset";

    GET "/api/v1/me", signed_in, me::show(Nothing) -> me::MeView, "Who is signed in, and with which roles";
    GET "/api/v1/me/usage", signed_in, usage::own(Nothing) -> usage::UsageView, "What your own keys used and what it cost", query: ["from" = "a time, RFC 3339; 30 days ago when left out", "until" = "a time, RFC 3339; now when left out", "by" = "up to six of `team`, `project`, `key`, `owner`, `model`, `provider`, `target`, `region`, `tag`, `label:NAME`, `operation`, `outcome`, `cached`, `price_version`, and one of `hour`, `day`, `week`, `month`, with `,` between them; `model` when left out", "grain" = "one row for each `hour`, `day`, `week` or `month`", "zone" = "where days begin, such as `Europe/Berlin`; UTC when left out", "where" = "only calls with these values, such as `model:gpt-4o,gpt-4o-mini;label:outcome:resolved`", "order" = "`cost`, `requests`, `tokens` or `name`; `cost` when left out", "top" = "how many groups are told apart, 1000 when left out; the others are one row", "unit" = "what the cost is divided by: the number of calls that have this value, such as `label:outcome:resolved`", "savings" = "`true` reckons what caches saved"];
    DELETE "/api/v1/me/session", signed_in, me::sign_out(Nothing) -> Nothing, "Sign out";
    POST "/api/v1/me/confirm", signed_in, me::confirm(me::Confirm) -> me::MeView, "Show again that it is you, for acts that want a fresh sign-in";
    POST "/api/v1/me/confirm/passkey", signed_in, me::begin_confirm_passkey(Nothing) -> passkeys::Asked, "Begin to show by passkey that it is you";
    POST "/api/v1/me/password", signed_in, me::change_password(me::ChangePassword) -> Nothing, "Change your password; other sessions end";
    POST "/api/v1/me/totp", signed_in, me::begin_totp(Nothing) -> me::NewTotp, "Get a seed for an authenticator app; it counts once confirmed";
    POST "/api/v1/me/totp/confirm", signed_in, me::confirm_totp(me::Code) -> me::RecoveryCodes, "Confirm the authenticator app with a code; shows recovery codes, once";
    GET "/api/v1/me/passkeys", signed_in, passkeys::list(Nothing) -> Page<passkeys::PasskeyView>, "Your passkeys", sort: ["created", "name"];
    POST "/api/v1/me/passkeys", signed_in, passkeys::begin(Nothing) -> passkeys::Asked, "Begin to add a passkey: what to ask the authenticator";
    POST "/api/v1/me/passkeys/confirm", signed_in, passkeys::confirm(passkeys::NewPasskey) -> passkeys::AddedPasskey, "Add the passkey";
    DELETE "/api/v1/me/passkeys/{passkey}", signed_in, passkeys::remove(Nothing) -> Nothing, "Remove one of your passkeys";

    GET "/api/v1/tenants", TenantsRead, tenants::list(Nothing) -> Page<tenants::TenantView>, "Tenants you may see", sort: ["created", "name"];
    POST "/api/v1/tenants", TenantsCreate, tenants::create(tenants::NewTenant) -> tenants::TenantView, "Make a tenant";
    GET "/api/v1/tenants/{tenant}", TenantsRead, tenants::show(Nothing) -> tenants::TenantView, "One tenant";
    PATCH "/api/v1/tenants/{tenant}", TenantsUpdate, tenants::update(tenants::TenantChange) -> tenants::TenantView, "Change a tenant's name or limits";
    POST "/api/v1/tenants/{tenant}/suspend", TenantsSuspend, tenants::suspend(Nothing) -> tenants::TenantView, "Suspend a tenant: its keys and people stop within a second";
    POST "/api/v1/tenants/{tenant}/resume", TenantsSuspend, tenants::resume(Nothing) -> tenants::TenantView, "Let a suspended tenant work again";

    POST "/api/v1/tenants/{tenant}/offboard", TenantsOffboard, offboarding::start(offboarding::Offboard) -> offboarding::OffboardingView, "End a tenant for good: its keys, people and sessions stop within a second, its content key is destroyed, its ledger and audit log stay";
    GET "/api/v1/tenants/{tenant}/offboarding", TenantsRead, offboarding::show(Nothing) -> offboarding::OffboardingView, "How far a tenant's end has come, and the signed certificate of it";

    GET "/api/v1/tenants/{tenant}/history", HistoryRead, history::show(Nothing) -> history::HistoryView, "What is kept of the tenant's exchanges, and for how long";
    PUT "/api/v1/tenants/{tenant}/history", HistoryUpdate, history::update(history::HistoryView) -> history::HistoryView, "Say what is kept of the tenant's exchanges, and for how long; on every node within a second";
    GET "/api/v1/tenants/{tenant}/exchanges", HistoryRead, exchanges::list(Nothing) -> Page<exchanges::ExchangeLine>, "Kept exchanges, newest first: nothing of what was said", query: ["from" = "at or after this time, RFC 3339", "until" = "before this time, RFC 3339", "key" = "only by this key", "model" = "only of this model"];
    GET "/api/v1/tenants/{tenant}/exchanges/check", HistoryRead, exchanges::check(Nothing) -> crate::history::Looked, "Whether everything that the ledger says was kept is there and as it was; tells nothing of it", query: ["from" = "at or after this time, RFC 3339; a day back when left out", "until" = "before this time, RFC 3339; now when left out"];
    GET "/api/v1/tenants/{tenant}/exchanges/export", ExchangesExport, exchanges::export(Nothing) -> Anything, "Kept exchanges of a time, oldest first, as JSON lines with their proofs; this is recorded", query: ["from" = "at or after this time, RFC 3339", "until" = "before this time, RFC 3339", "key" = "only by this key", "model" = "only of this model"];
    POST "/api/v1/tenants/{tenant}/exchanges/purge", HistoryPurge, history::purge(history::Purge) -> history::Purged, "Remove all kept exchanges that began before a time";
    GET "/api/v1/tenants/{tenant}/exchanges/{request}", ExchangesRead, exchanges::show(Nothing) -> exchanges::ExchangeView, "One kept exchange, opened and held against the ledger; this is recorded";

    GET "/api/v1/tenants/{tenant}/teams", TeamsRead, teams::list(Nothing) -> Page<teams::TeamView>, "Teams you may see", sort: ["created", "name"];
    POST "/api/v1/tenants/{tenant}/teams", TeamsCreate, teams::create(teams::NewTeam) -> teams::TeamView, "Make a team";
    GET "/api/v1/tenants/{tenant}/teams/{team}", TeamsRead, teams::show(Nothing) -> teams::TeamView, "One team";
    PATCH "/api/v1/tenants/{tenant}/teams/{team}", TeamsUpdate, teams::update(teams::TeamChange) -> teams::TeamView, "Change a team's name or limits";

    GET "/api/v1/tenants/{tenant}/projects", ProjectsRead, projects::list(Nothing) -> Page<projects::ProjectView>, "Projects you may see", query: ["team" = "only of this team"], sort: ["created", "name"];
    POST "/api/v1/tenants/{tenant}/teams/{team}/projects", ProjectsCreate, projects::create(projects::NewProject) -> projects::ProjectView, "Make a project";
    GET "/api/v1/tenants/{tenant}/projects/{project}", ProjectsRead, projects::show(Nothing) -> projects::ProjectView, "One project";
    PATCH "/api/v1/tenants/{tenant}/projects/{project}", ProjectsUpdate, projects::update(projects::NewProject) -> projects::ProjectView, "Rename a project";
    DELETE "/api/v1/tenants/{tenant}/projects/{project}", ProjectsDelete, projects::remove(Nothing) -> Nothing, "Remove a project without keys";

    GET "/api/v1/tenants/{tenant}/services", ServicesRead, services::list(Nothing) -> Page<services::ServiceView>, "Service accounts you may see", query: ["team" = "only of this team"], sort: ["created", "name"];
    POST "/api/v1/tenants/{tenant}/teams/{team}/services", ServicesCreate, services::create(services::NewService) -> services::ServiceView, "Make a service account";
    GET "/api/v1/tenants/{tenant}/services/{service}", ServicesRead, services::show(Nothing) -> services::ServiceView, "One service account";
    PATCH "/api/v1/tenants/{tenant}/services/{service}", ServicesUpdate, services::update(services::ServiceChange) -> services::ServiceView, "Rename, disable or enable a service account; disabling revokes its keys and tokens";

    GET "/api/v1/tenants/{tenant}/services/{service}/tokens", TokensRead, tokens::list(Nothing) -> Page<tokens::TokenView>, "What a service account shows here", sort: ["created"];
    POST "/api/v1/tenants/{tenant}/services/{service}/tokens", TokensCreate, tokens::create(tokens::NewToken) -> tokens::TokenWithSecret, "Make a token with which a service account acts here; shows it, once";
    DELETE "/api/v1/tenants/{tenant}/services/{service}/tokens/{token}", TokensRevoke, tokens::revoke(Nothing) -> Nothing, "End a service account's token";

    GET "/api/v1/tenants/{tenant}/users", UsersRead, users::list(Nothing) -> Page<users::UserView>, "Users you may see", sort: ["created", "email"];
    POST "/api/v1/tenants/{tenant}/users", UsersCreate, users::create(users::NewUser) -> users::Invitation, "Add a user; shows the one-time token with which they set a password, once";
    GET "/api/v1/tenants/{tenant}/users/{user}", UsersRead, users::show(Nothing) -> users::UserView, "One user";
    PATCH "/api/v1/tenants/{tenant}/users/{user}", UsersUpdate, users::update(users::UserChange) -> users::UserView, "Change a user's name, or disable or enable them";
    POST "/api/v1/tenants/{tenant}/users/{user}/reset", UsersReset, users::reset(Nothing) -> users::Invitation, "Take away a user's password, second factor and sessions; shows a one-time token for a new password, once";

    GET "/api/v1/tenants/{tenant}/sso", SsoRead, sso::show(Nothing) -> sso::SsoView, "How single sign-on is set up";
    PUT "/api/v1/tenants/{tenant}/sso", SsoUpdate, sso::put(sso::NewSso) -> sso::SsoView, "Set up single sign-on by an OpenID provider";
    DELETE "/api/v1/tenants/{tenant}/sso", SsoUpdate, sso::remove(Nothing) -> Nothing, "End single sign-on; roles that came from groups end with it";

    GET "/api/v1/tenants/{tenant}/scim", SsoRead, scim::show(Nothing) -> scim::ScimView, "Whether people are provisioned by SCIM, and where";
    POST "/api/v1/tenants/{tenant}/scim", SsoUpdate, scim::create(Nothing) -> scim::ScimWithToken, "Make the token for SCIM, or replace it; shows it, once";
    DELETE "/api/v1/tenants/{tenant}/scim", SsoUpdate, scim::remove(Nothing) -> Nothing, "End provisioning by SCIM";

    GET "/api/v1/tenants/{tenant}/grants", GrantsRead, grants::list(Nothing) -> Page<grants::GrantView>, "Who has which role", query: ["holder" = "only of this user or service account"], sort: ["created"];
    POST "/api/v1/tenants/{tenant}/grants", GrantsCreate, grants::create(grants::NewGrant) -> grants::GrantView, "Give a role";
    GET "/api/v1/tenants/{tenant}/grants/{grant}", GrantsRead, grants::show(Nothing) -> grants::GrantView, "One role that somebody has";
    DELETE "/api/v1/tenants/{tenant}/grants/{grant}", GrantsDelete, grants::remove(Nothing) -> Nothing, "Take a role away";

    GET "/api/v1/tenants/{tenant}/keys", KeysRead, keys::list(Nothing) -> Page<keys::KeyView>, "Virtual keys you may see", query: ["team" = "only of this team", "state" = "`active`, `suspended` or `revoked`"], sort: ["created", "name"];
    POST "/api/v1/tenants/{tenant}/teams/{team}/keys", KeysCreate, keys::create(keys::NewKey) -> keys::KeyWithSecret, "Make a virtual key; shows it, once";
    GET "/api/v1/tenants/{tenant}/keys/{key}", KeysRead, keys::show(Nothing) -> keys::KeyView, "One virtual key";
    PATCH "/api/v1/tenants/{tenant}/keys/{key}", KeysUpdate, keys::update(keys::KeyChange) -> keys::KeyView, "Change what a virtual key may do";
    POST "/api/v1/tenants/{tenant}/keys/{key}/rotate", KeysRotate, keys::rotate(keys::Rotate) -> keys::KeyWithSecret, "Replace a virtual key's secret; shows the new one, once";
    POST "/api/v1/tenants/{tenant}/keys/{key}/suspend", KeysUpdate, keys::suspend(Nothing) -> keys::KeyView, "Suspend a virtual key: nothing that stands for it is taken within a second";
    POST "/api/v1/tenants/{tenant}/keys/{key}/resume", KeysUpdate, keys::resume(Nothing) -> keys::KeyView, "Let a suspended virtual key work again";
    POST "/api/v1/tenants/{tenant}/keys/{key}/revoke", KeysRevoke, keys::revoke(Nothing) -> keys::KeyView, "End a virtual key for good";

    GET "/api/v1/tenants/{tenant}/findings", KeysRead, findings::list(Nothing) -> Page<findings::FindingView>, "Keys, people and service accounts that somebody should look after: expired, expiring, unused, without an owner";

    GET "/api/v1/tenants/{tenant}/budgets", BudgetsRead, budgets::list(Nothing) -> Page<budgets::BudgetView>, "Budgets you may see, and how they stand", sort: ["created", "name"];
    POST "/api/v1/tenants/{tenant}/budgets", BudgetsCreate, budgets::create(budgets::NewBudget) -> budgets::BudgetView, "Make a budget";
    GET "/api/v1/tenants/{tenant}/budgets/{budget}", BudgetsRead, budgets::show(Nothing) -> budgets::BudgetStanding, "One budget, and how it stands";
    PATCH "/api/v1/tenants/{tenant}/budgets/{budget}", BudgetsUpdate, budgets::update(budgets::BudgetChange) -> budgets::BudgetView, "Change a budget's limit, name or marks";
    POST "/api/v1/tenants/{tenant}/budgets/{budget}/pause", BudgetsUpdate, budgets::pause(budgets::NewPause) -> budgets::BudgetView, "Pause a budget: no replica begins a call under it within a second";
    POST "/api/v1/tenants/{tenant}/budgets/{budget}/resume", BudgetsUpdate, budgets::resume(Nothing) -> budgets::BudgetView, "Let a paused budget be spent again";
    POST "/api/v1/tenants/{tenant}/budgets/{budget}/increases", BudgetsUpdate, budgets::increase(budgets::NewIncrease) -> budgets::BudgetView, "Raise a budget's limit until a time; by itself it is lower again after";
    DELETE "/api/v1/tenants/{tenant}/budgets/{budget}/increases/{increase}", BudgetsUpdate, budgets::revoke(Nothing) -> budgets::BudgetView, "End an increase before its time";
    GET "/api/v1/tenants/{tenant}/stops", BudgetsRead, stops::list(Nothing) -> Page<stops::StopView>, "Sessions of agents that are paused", sort: ["created"];
    POST "/api/v1/tenants/{tenant}/stops", BudgetsUpdate, stops::pause(stops::NewStop) -> stops::StopView, "Pause a session of an agent: no replica begins a call of it until somebody resumes it";
    DELETE "/api/v1/tenants/{tenant}/stops/{stop}", BudgetsUpdate, stops::resume(Nothing) -> Nothing, "Let a paused session go on";
    DELETE "/api/v1/tenants/{tenant}/budgets/{budget}", BudgetsDelete, budgets::remove(Nothing) -> Nothing, "Remove a budget";

    GET "/api/v1/tenants/{tenant}/configuration", ConfigurationRead, configuration::show(Nothing) -> crate::configuration::document::Configuration, "The tenant's whole configuration as one document, by names and without secrets; YAML for `Accept: application/yaml`";
    PUT "/api/v1/tenants/{tenant}/configuration", ConfigurationApply, configuration::apply(crate::configuration::document::Configuration) -> configuration::Applied, "Make the tenant's configuration so, all of it or nothing; each step wants the permission it wants singly", query: ["prune" = "`true` ends what the document's sections do not name"];

    GET "/api/v1/tenants/{tenant}/models", ModelsRead, served::models(Nothing) -> Page<crate::serving::ServedModel>, "Models that are served, with their prices", sort: ["name"];
    GET "/api/v1/tenants/{tenant}/targets", ModelsRead, served::targets(Nothing) -> Page<served::TargetView>, "Who serves each model, one line a target";
    GET "/api/v1/providers", SettingsRead, served::providers(Nothing) -> Page<crate::serving::ServedProvider>, "Who serves models, and how that fares", sort: ["name"];
    GET "/api/v1/settings", SettingsRead, served::settings(Nothing) -> Anything, "The configuration in force; secrets as references";

    GET "/api/v1/tenants/{tenant}/usage", UsageRead, usage::show(Nothing) -> usage::UsageView, "What was used and what it cost", query: ["from" = "a time, RFC 3339; 30 days ago when left out", "until" = "a time, RFC 3339; now when left out", "by" = "up to six of `team`, `project`, `key`, `owner`, `model`, `provider`, `target`, `region`, `tag`, `label:NAME`, `operation`, `outcome`, `cached`, `price_version`, and one of `hour`, `day`, `week`, `month`, with `,` between them; `model` when left out", "grain" = "one row for each `hour`, `day`, `week` or `month`", "zone" = "where days begin, such as `Europe/Berlin`; UTC when left out", "where" = "only calls with these values, such as `model:gpt-4o,gpt-4o-mini;label:outcome:resolved`", "team" = "only this team's", "order" = "`cost`, `requests`, `tokens` or `name`; `cost` when left out", "top" = "how many groups are told apart, 1000 when left out; the others are one row", "unit" = "what the cost is divided by: the number of calls that have this value, such as `label:outcome:resolved`", "savings" = "`true` reckons what caches saved"];
    GET "/api/v1/tenants/{tenant}/openai/organization/costs", UsageRead, openai::costs(Nothing) -> openai::Buckets<openai::CostResult>, "Costs in the shape of OpenAI's administration API", query: ["start_time" = "Unix seconds; as many buckets back as a page has when left out", "end_time" = "Unix seconds; now when left out", "bucket_width" = "`1d`", "group_by" = "`project_id`, `user_id`, `line_item`, `api_key_id`, with `,` between them", "group_by[]" = "the same", "project_ids" = "only these, with `,` between them", "project_ids[]" = "the same", "api_key_ids" = "only these", "api_key_ids[]" = "the same", "line_items" = "only these", "line_items[]" = "the same", "limit" = "how many buckets, 7 when left out", "page" = "`next_page` of the page before", "team" = "only this team's"];
    GET "/api/v1/tenants/{tenant}/openai/organization/usage/completions", UsageRead, openai::completions(Nothing) -> openai::Buckets<openai::CompletionsResult>, "Tokens of conversations and completions in the shape of OpenAI's administration API", query: ["start_time" = "Unix seconds; as many buckets back as a page has when left out", "end_time" = "Unix seconds; now when left out", "bucket_width" = "`1d` or `1h`", "group_by" = "`project_id`, `user_id`, `api_key_id`, `model`, with `,` between them", "group_by[]" = "the same", "project_ids" = "only these, with `,` between them", "project_ids[]" = "the same", "user_ids" = "only these", "user_ids[]" = "the same", "api_key_ids" = "only these", "api_key_ids[]" = "the same", "models" = "only these", "models[]" = "the same", "limit" = "how many buckets", "page" = "`next_page` of the page before", "team" = "only this team's"];
    GET "/api/v1/tenants/{tenant}/openai/organization/usage/embeddings", UsageRead, openai::embeddings(Nothing) -> openai::Buckets<openai::EmbeddingsResult>, "Tokens of embeddings in the shape of OpenAI's administration API", query: ["start_time" = "Unix seconds; as many buckets back as a page has when left out", "end_time" = "Unix seconds; now when left out", "bucket_width" = "`1d` or `1h`", "group_by" = "`project_id`, `user_id`, `api_key_id`, `model`, with `,` between them", "group_by[]" = "the same", "project_ids" = "only these, with `,` between them", "project_ids[]" = "the same", "user_ids" = "only these", "user_ids[]" = "the same", "api_key_ids" = "only these", "api_key_ids[]" = "the same", "models" = "only these", "models[]" = "the same", "limit" = "how many buckets", "page" = "`next_page` of the page before", "team" = "only this team's"];
    GET "/api/v1/tenants/{tenant}/exports/costs", UsageRead, costs::export(Nothing) -> Anything, "What was spent, as a table that finance takes: at most 100,000 calls and 20,000 rows at once", query: ["format" = "`focus` (FOCUS 1.4), `csv`, `json` or `originals`; `focus` when left out", "from" = "a time, RFC 3339; 30 days ago when left out", "until" = "a time, RFC 3339; now when left out", "grain" = "`day` or `hour`: how long a charge period is"];

    GET "/api/v1/tenants/{tenant}/reports/trend", UsageRead, outlook::trend(Nothing) -> crate::outlook::TrendView, "How spend moves: the later half of the days against the earlier, and whether that is more than chance", query: ["by" = "`total`, `team`, `key` or `model`; `total` when left out", "team" = "that team's whole spend instead", "days" = "how many days up to yesterday; 30 when left out, at most 400 of a total and 120 of others"];
    GET "/api/v1/tenants/{tenant}/reports/forecast", UsageRead, outlook::forecast(Nothing) -> crate::outlook::ForecastView, "What will be spent by the end of the month, or in so many days, with bounds; docs/finops.md has the method and how well it did", query: ["by" = "`total`, `team`, `key` or `model`; `total` when left out", "team" = "that team's whole spend instead", "days" = "so many days, 1 to 92, instead of to the end of the month", "coverage" = "how often in a hundred the bounds shall hold, 50 to 99; 80 when left out"];
    GET "/api/v1/tenants/{tenant}/reports/anomalies", UsageRead, outlook::anomalies(Nothing) -> crate::outlook::AnomaliesView, "Days on which spend stood out, at a stated rate of false alarms", query: ["by" = "only the series of `total`, `team`, `key` or `model`; all when left out", "days" = "how many days, today included, 1 to 31; 7 when left out"];
    GET "/api/v1/tenants/{tenant}/reports/budgets", BudgetsRead, outlook::budgets(Nothing) -> crate::outlook::BudgetsView, "Budgets you may see: how much is used, how fast, and when they are gone";

    GET "/api/v1/tenants/{tenant}/chargeback/rules", ChargebackRead, chargeback::rules(Nothing) -> finops::Rules, "Who bears which cost";
    PUT "/api/v1/tenants/{tenant}/chargeback/rules", ChargebackWrite, chargeback::put_rules(finops::Rules) -> finops::Rules, "Say who bears which cost; final statements stay as they are";
    GET "/api/v1/tenants/{tenant}/chargeback/draft", ChargebackRead, chargeback::draft(Nothing) -> crate::chargeback::StatementView, "What a statement of a time would say, by the rules and the ledger as they are now", query: ["month" = "a month, such as `2026-10`; this one when nothing is said", "from" = "a day, such as `2026-10-01`, instead of a month", "until" = "the day after the last", "format" = "`json` or `csv`; `json` when left out"];
    GET "/api/v1/tenants/{tenant}/chargeback/statements", ChargebackRead, chargeback::list(Nothing) -> Page<crate::chargeback::StatementLine>, "Final statements, oldest first";
    POST "/api/v1/tenants/{tenant}/chargeback/statements", ChargebackFinalize, chargeback::finalize(crate::chargeback::NewStatement) -> crate::chargeback::StatementView, "Make the statement of a time that is over final: it stays as it is, and names the one before it and the signed ledger it was reckoned from";
    GET "/api/v1/tenants/{tenant}/chargeback/statements/{statement}", ChargebackRead, chargeback::show(Nothing) -> crate::chargeback::StatementView, "One final statement", query: ["format" = "`json`, `csv`, or `document`: the bytes that its digest is of; `json` when left out"];
    GET "/api/v1/tenants/{tenant}/chargeback/verify", ChargebackRead, chargeback::verify(Nothing) -> crate::chargeback::Verified, "Whether final statements are as they were made, and whether the ledger still says the same";

    GET "/api/v1/tenants/{tenant}/reconciliations", UsageRead, reconciliations::list(Nothing) -> Page<crate::reconciliation::ReconciliationLine>, "What providers billed beside what the ledger has: results that were kept", sort: ["created"];
    POST "/api/v1/tenants/{tenant}/reconciliations", ReconciliationsCreate, reconciliations::create(reconciliations::NewReconciliation) -> crate::reconciliation::Reconciliation, "Hold a provider's report against the tenant's ledger, keep what came of it, and tell of gaps";
    GET "/api/v1/tenants/{tenant}/reconciliations/{reconciliation}", UsageRead, reconciliations::show(Nothing) -> crate::reconciliation::Reconciliation, "One of them, with the lines that are off";
    GET "/api/v1/tenants/{tenant}/price-sheet", PricesRead, price_sheet::show(Nothing) -> price_sheet::SheetView, "What a tenant is charged where it is not what the list says";
    PUT "/api/v1/tenants/{tenant}/price-sheet", PricesUpdate, price_sheet::put(ledger::Sheet) -> price_sheet::SheetView, "Say what a tenant is charged for calls that begin from now on, on every gate within a second; a sheet without lines leaves what the list says";
    GET "/api/v1/tenants/{tenant}/price-sheet/versions", PricesRead, price_sheet::history(Nothing) -> Page<price_sheet::SheetView>, "All versions of a tenant's price sheet, oldest first";

    GET "/api/v1/tenants/{tenant}/guards", GuardsRead, guards::show(Nothing) -> guards::GuardsView, "How a tenant guards its own calls beyond the instance, which exceptions are over, and the instance's profiles by their names";
    PUT "/api/v1/tenants/{tenant}/guards", GuardsUpdate, guards::put(guard::Profiles) -> guards::GuardsView, "Say how a tenant guards its own calls from now on, on every gate within a second: profiles that tighten what the instance asks, and exceptions from them for a while";
    DELETE "/api/v1/tenants/{tenant}/guards", GuardsUpdate, guards::remove(Nothing) -> Nothing, "Leave a tenant's calls to the instance's guards alone; versions stay";
    GET "/api/v1/tenants/{tenant}/guards/versions", GuardsRead, guards::history(Nothing) -> Page<guards::GuardsVersion>, "All versions of how a tenant guards its own calls, oldest first, with who made them";
    GET "/api/v1/tenants/{tenant}/guards/versions/{number}/diff", GuardsRead, guards::diff(Nothing) -> differences::VersionDifference, "What a version of how a tenant guards its own calls changed, member by member; version 0 says nothing", query: ["against" = "another version to compare with; the one before when left out"];

    GET "/api/v1/tenants/{tenant}/consents", ConsentsRead, consents::show(Nothing) -> consents::ConsentsView, "Where a tenant lets the content of its calls go, and which consents hold no more";
    PUT "/api/v1/tenants/{tenant}/consents", ConsentsUpdate, consents::put(policy::Consents) -> consents::ConsentsView, "Say which data of a tenant may go to which providers and regions from now on, by whose word, and what is left out of every call; on every gate within a second";
    DELETE "/api/v1/tenants/{tenant}/consents", ConsentsUpdate, consents::remove(Nothing) -> Nothing, "Ask a tenant's consent no more: its calls go wherever policies let them; versions stay";
    GET "/api/v1/tenants/{tenant}/consents/versions", ConsentsRead, consents::history(Nothing) -> Page<consents::ConsentsVersion>, "All versions of where a tenant lets the content of its calls go, oldest first, with who made them";
    GET "/api/v1/tenants/{tenant}/consents/versions/{number}/diff", ConsentsRead, consents::diff(Nothing) -> differences::VersionDifference, "What a version of where a tenant lets the content of its calls go changed, member by member; version 0 says nothing", query: ["against" = "another version to compare with; the one before when left out"];

    GET "/api/v1/tenants/{tenant}/samples", SamplesRead, samples::list(Nothing) -> Page<samples::SampleLine>, "Texts that a tenant's calls put into prompts, without what they say", query: ["label" = "only those with this label"];
    GET "/api/v1/tenants/{tenant}/samples/{sample}", SamplesRead, samples::show(Nothing) -> samples::SampleView, "One sample, by its name";
    PUT "/api/v1/tenants/{tenant}/samples/{sample}", SamplesUpdate, samples::put(apps::Sample) -> samples::SampleView, "Write a version of a sample, in use on every gate within a second; what guards would stop or change in a call of the tenant's is not kept";
    DELETE "/api/v1/tenants/{tenant}/samples/{sample}", SamplesUpdate, samples::remove(Nothing) -> Nothing, "Take a sample away; versions stay";
    GET "/api/v1/tenants/{tenant}/samples/{sample}/versions", SamplesRead, samples::history(Nothing) -> Page<samples::SampleView>, "All versions of a sample, oldest first, with who made them";

    GET "/api/v1/tenants/{tenant}/prompts", PromptsRead, prompts::list(Nothing) -> Page<prompts::PromptLine>, "A tenant's prompt templates, which versions calls may use, and which wait for a review";
    GET "/api/v1/tenants/{tenant}/prompts/{prompt}", PromptsRead, prompts::show(Nothing) -> prompts::PromptView, "One prompt template, by its name: how far each version has come, and by whom";
    PUT "/api/v1/tenants/{tenant}/prompts/{prompt}", PromptsUpdate, prompts::put(apps::Template) -> prompts::PromptVersionView, "Write a version of a prompt template: a draft, which no call can use";
    DELETE "/api/v1/tenants/{tenant}/prompts/{prompt}", PromptsUpdate, prompts::remove(Nothing) -> Nothing, "Retire all versions of a prompt template, on every gate within a second; they stay to be read";
    GET "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}", PromptsRead, prompts::version(Nothing) -> prompts::PromptVersionView, "One version of a prompt template";
    GET "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}/differences", PromptsRead, prompts::differences(Nothing) -> prompts::PromptDifferences, "What a version says otherwise than another, line by line", query: ["from" = "the number of the other; the newest published before it when left out, or the one before"];
    POST "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}/submit", PromptsUpdate, prompts::submit(Nothing) -> prompts::PromptVersionView, "Hand a version in: its test cases run, and must pass";
    POST "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}/approve", PromptsReview, prompts::approve(prompts::Review) -> prompts::PromptVersionView, "Publish a version that somebody else wrote and handed in: calls may use it within a second";
    POST "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}/reject", PromptsReview, prompts::reject(prompts::Review) -> prompts::PromptVersionView, "Say no to a version that somebody else wrote and handed in";
    POST "/api/v1/tenants/{tenant}/prompts/{prompt}/versions/{version}/retire", PromptsUpdate, prompts::retire(Nothing) -> prompts::PromptVersionView, "Retire a version: no call can use it within a second";

    POST "/api/v1/tenants/{tenant}/reratings", PricesRerate, reratings::create(reratings::NewRerating) -> crate::rerate::Rerated, "Correct what calls cost that were made, by other prices: an entry more for each, with the difference; what is in the ledger stays as it is. At most 100,000 calls at once; `?dry_run=true` only reckons";

    GET "/api/v1/tenants/{tenant}/sessions", SessionsRead, sessions::list(Nothing) -> Page<sessions::SessionView>, "Who is signed in", query: ["user" = "only this user's"], sort: ["created"];
    DELETE "/api/v1/tenants/{tenant}/sessions/{session}", SessionsRevoke, sessions::revoke(Nothing) -> Nothing, "Sign somebody out";

    POST "/api/v1/tenants/{tenant}/policies/explain", PoliciesRead, policies::explain(policies::Explain) -> why::WhyView, "Why somebody may do something or not: a virtual key's call, or a person's act";
    POST "/api/v1/tenants/{tenant}/policies/who-can", PoliciesRead, policies::who_can(policies::WhoCan) -> why::WhoView, "Which of the keys or people you may see may do something";

    GET "/api/v1/policies/versions", PoliciesRead, policies::list(Nothing) -> Page<versions::VersionLine>, "Versions of policies, oldest first", query: ["plane" = "`calls` or `control`"], sort: ["created"];
    POST "/api/v1/policies/versions", PoliciesCreate, policies::create(versions::NewVersion) -> versions::VersionLine, "Store a version of policies, once they are checked and their tests pass; changes nothing yet";
    GET "/api/v1/policies/versions/{version}", PoliciesRead, policies::show(Nothing) -> versions::VersionText, "One version, with its policies and tests";
    POST "/api/v1/policies/versions/{version}/activate", PoliciesActivate, policies::activate(Nothing) -> versions::VersionLine, "Put a version in force, on every node within a second";
    POST "/api/v1/policies/versions/{version}/shadow", PoliciesActivate, policies::shadow(Nothing) -> versions::VersionLine, "Try a version out: it is asked what those in force are asked, and changes no answer";
    DELETE "/api/v1/policies/versions/{version}/shadow", PoliciesActivate, policies::end_shadow(Nothing) -> versions::VersionLine, "Stop trying a version out";
    GET "/api/v1/policies/versions/{version}/differences", PoliciesRead, policies::differences(Nothing) -> versions::DifferencesView, "What a version that is tried out would have answered otherwise, as the node that answers has seen it";
    POST "/api/v1/policies/rollback", PoliciesActivate, policies::rollback(versions::OfPlane) -> versions::VersionLine, "Put back in force what was before; shows the version that was taken back";
    GET "/api/v1/credentials", CredentialsRead, credentials::list(Nothing) -> Page<credentials::CredentialView>, "Provider credentials that the store keeps; never their values", sort: ["created"];
    POST "/api/v1/credentials", CredentialsUpdate, credentials::create(credentials::NewCredential) -> credentials::CredentialView, "Make a provider credential; its value is never shown";
    GET "/api/v1/credentials/{credential}", CredentialsRead, credentials::show(Nothing) -> credentials::CredentialView, "One provider credential; never its values";
    DELETE "/api/v1/credentials/{credential}", CredentialsUpdate, credentials::remove(Nothing) -> Nothing, "Remove a provider credential: providers that use it are not called";
    POST "/api/v1/credentials/{credential}/versions", CredentialsUpdate, credentials::propose(credentials::NewVersion) -> credentials::CredentialView, "Put a new value in, as a candidate; it is never shown";
    POST "/api/v1/credentials/{credential}/activate", CredentialsRotate, credentials::activate(credentials::Activate) -> credentials::Activated, "Put a candidate in force, once every provider that uses it takes it";
    POST "/api/v1/credentials/{credential}/rollback", CredentialsRotate, credentials::rollback(Nothing) -> credentials::CredentialView, "Put the previous version back in force";
    POST "/api/v1/credentials/{credential}/revoke", CredentialsRevoke, credentials::revoke(credentials::Revoke) -> credentials::CredentialView, "Take values away at once: calls that need them are refused within a second";

    GET "/api/v1/tenants/{tenant}/audit", AuditRead, audit::list(Nothing) -> Page<audit::AuditView>, "Audit records, newest first", query: ["act" = "only this act", "actor" = "only by this user or service account", "target" = "only done to this", "from" = "at or after this time, RFC 3339", "until" = "before this time, RFC 3339"];
    GET "/api/v1/tenants/{tenant}/audit/export", AuditExport, audit::export(Nothing) -> Anything, "Audit records of a time, oldest first, as text in another form; this is recorded as well", query: ["format" = "`jsonl`, `csv`, `ocsf` or `cef`; `jsonl` when left out", "from" = "at or after this time, RFC 3339", "until" = "before this time, RFC 3339"];
    GET "/api/v1/tenants/{tenant}/audit/{record}/proof", AuditRead, audit::proof(Nothing) -> audit::ProofView, "The proof that an audit record is in the log: to be verified anywhere with the instance's public key";

    GET "/api/v1/alerts/sinks", SettingsRead, alerts::sinks(Nothing) -> Page<alerts::SinkView>, "Who is told of acts, and how that goes: last success, last trouble, what waits and what was given up", sort: ["name"];
    GET "/api/v1/tenants/{tenant}/alerts/dead", AuditRead, alerts::dead(Nothing) -> Page<alerts::DeadLetterView>, "Audit records that sinks did not take and that were given up", query: ["sink" = "only of this sink"];
    POST "/api/v1/tenants/{tenant}/alerts/dead/resend", AlertsResend, alerts::resend(alerts::OfSink) -> alerts::Letters, "Have a sink sent again what it did not take of this log, all or one; who pushes it does so in the log's order";
    POST "/api/v1/tenants/{tenant}/alerts/dead/drop", AlertsDrop, alerts::drop_letters(alerts::OfSink) -> alerts::Letters, "Forget what a sink did not take of this log, all or one: the log itself keeps it";
    POST "/api/v1/alerts/sinks/{sink}/test", AlertsTest, alerts::test(Nothing) -> Nothing, "Send a sink a test; `GET /api/v1/alerts/sinks` says whether it was taken";
    GET "/api/v1/tenants/{tenant}/sinks", DeliveryRead, sinks::list(Nothing) -> Page<sinks::OwnSinkLine>, "Whom the tenant has told of its own acts, and how that goes";
    POST "/api/v1/tenants/{tenant}/sinks", DeliveryUpdate, sinks::create(sinks::NewSink) -> sinks::OwnSinkView, "Have somebody told of the tenant's acts from now on: a signed webhook, Slack, PagerDuty or mail; secrets are never shown";
    GET "/api/v1/tenants/{tenant}/sinks/{sink}", DeliveryRead, sinks::show(Nothing) -> sinks::OwnSinkView, "One sink of the tenant's own; never its secrets";
    PUT "/api/v1/tenants/{tenant}/sinks/{sink}", DeliveryUpdate, sinks::put(sinks::NewSink) -> sinks::OwnSinkView, "Change a sink of the tenant's own; secrets that are left out stay, for the same place only";
    DELETE "/api/v1/tenants/{tenant}/sinks/{sink}", DeliveryUpdate, sinks::remove(Nothing) -> Nothing, "Remove a sink of the tenant's own, with what it did not take";
    POST "/api/v1/tenants/{tenant}/sinks/{sink}/test", DeliveryTest, sinks::test(Nothing) -> Nothing, "Send a sink of the tenant's own a test; the list of sinks says whether it was taken";
    GET "/api/v1/tenants/{tenant}/sinks/{sink}/dead", DeliveryRead, sinks::dead(Nothing) -> Page<alerts::DeadLetterView>, "What a sink of the tenant's own did not take and was given up";
    POST "/api/v1/tenants/{tenant}/sinks/{sink}/dead/resend", DeliveryResend, sinks::resend(sinks::Which) -> sinks::Concerned, "Have a sink of the tenant's own sent again what it did not take, all or one";
    POST "/api/v1/tenants/{tenant}/sinks/{sink}/dead/drop", DeliveryDrop, sinks::drop_letters(sinks::Which) -> sinks::Concerned, "Forget what a sink of the tenant's own did not take, all or one: the log itself keeps it";
    GET "/api/v1/tenants/{tenant}/schedules", DeliveryRead, schedules::list(Nothing) -> Page<schedules::ScheduleView>, "Reports that the tenant has delivered by themselves";
    POST "/api/v1/tenants/{tenant}/schedules", DeliveryUpdate, schedules::create(schedules::NewSchedule) -> schedules::ScheduleView, "Have a report delivered each day, week or month: to a webhook, to storage that speaks S3, and a digest also by mail or to Slack";
    GET "/api/v1/tenants/{tenant}/schedules/{schedule}", DeliveryRead, schedules::show(Nothing) -> schedules::ScheduleView, "One of them; never its secrets";
    DELETE "/api/v1/tenants/{tenant}/schedules/{schedule}", DeliveryUpdate, schedules::remove(Nothing) -> Nothing, "Have a report delivered no more";
    GET "/api/v1/tenants/{tenant}/exports/deliveries", UsageRead, costs::deliveries(Nothing) -> Page<costs::DeliveryView>, "Reports of the tenant that were delivered by themselves, and those that were given up", query: ["schedule" = "only of this schedule"];

    GET "/api/v1/tenants/{tenant}/approvals", ApprovalsRead, approvals::list(Nothing) -> Page<approvals::ApprovalView>, "Acts that wait for a second person, and what became of them", query: ["state" = "`waiting`, `approved`, `denied` or `used`"], sort: ["created"];
    GET "/api/v1/tenants/{tenant}/approvals/{approval}", ApprovalsRead, approvals::show(Nothing) -> approvals::ApprovalView, "One of them";
    POST "/api/v1/tenants/{tenant}/approvals/{approval}/approve", ApprovalsDecide, approvals::approve(approvals::Decision) -> approvals::ApprovalView, "Approve somebody else's act; they do it by asking again, naming the approval";
    POST "/api/v1/tenants/{tenant}/approvals/{approval}/deny", ApprovalsDecide, approvals::deny(approvals::Decision) -> approvals::ApprovalView, "Deny somebody else's act";

    GET "/api/v1/break-glass", BreakGlassRead, break_glass::list(Nothing) -> Page<break_glass::BreakGlassView>, "Who acts without a second person, and until when", sort: ["created"];
    POST "/api/v1/break-glass", BreakGlassOpen, break_glass::open(break_glass::NewBreakGlass) -> break_glass::BreakGlassView, "In an emergency: act for a while without a second person, loudly";
    POST "/api/v1/break-glass/{time}/close", BreakGlassClose, break_glass::close(Nothing) -> break_glass::BreakGlassView, "End such a time";
}
