//! What can be done on the control plane: one name for each act, the same in the routes, the OpenAPI
//! document, Cedar's actions and audit records.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// An act on the control plane. Who may do it, Cedar decides.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of Cedar's action, `resource.verb`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// See a tenant.
    TenantsRead = "tenants.read";
    /// Make a tenant.
    TenantsCreate = "tenants.create";
    /// Change a tenant's name or limits.
    TenantsUpdate = "tenants.update";
    /// Suspend a tenant, or let it work again.
    TenantsSuspend = "tenants.suspend";
    /// End a tenant for good.
    TenantsOffboard = "tenants.offboard";
    /// See a team.
    TeamsRead = "teams.read";
    /// Make a team.
    TeamsCreate = "teams.create";
    /// Change a team's name or limits.
    TeamsUpdate = "teams.update";
    /// See a project.
    ProjectsRead = "projects.read";
    /// Make a project.
    ProjectsCreate = "projects.create";
    /// Change a project.
    ProjectsUpdate = "projects.update";
    /// Remove a project.
    ProjectsDelete = "projects.delete";
    /// See a user.
    UsersRead = "users.read";
    /// Add a user.
    UsersCreate = "users.create";
    /// Change a user: name, active or not.
    UsersUpdate = "users.update";
    /// Give a user a new way to sign in, and take the old one away.
    UsersReset = "users.reset";
    /// See a service account.
    ServicesRead = "services.read";
    /// Make a service account.
    ServicesCreate = "services.create";
    /// Change a service account: name, active or not.
    ServicesUpdate = "services.update";
    /// See what a service account shows here; never the text.
    TokensRead = "tokens.read";
    /// Make something that a service account shows here.
    TokensCreate = "tokens.create";
    /// End it.
    TokensRevoke = "tokens.revoke";
    /// See who has which role.
    GrantsRead = "grants.read";
    /// Give a role.
    GrantsCreate = "grants.create";
    /// Take a role away.
    GrantsDelete = "grants.delete";
    /// See a virtual key; never its secret.
    KeysRead = "keys.read";
    /// Make a virtual key.
    KeysCreate = "keys.create";
    /// Change what a virtual key may do.
    KeysUpdate = "keys.update";
    /// Replace a virtual key's secret.
    KeysRotate = "keys.rotate";
    /// End a virtual key.
    KeysRevoke = "keys.revoke";
    /// See a budget and how it stands.
    BudgetsRead = "budgets.read";
    /// Make a budget.
    BudgetsCreate = "budgets.create";
    /// Change a budget's limit or name.
    BudgetsUpdate = "budgets.update";
    /// Remove a budget.
    BudgetsDelete = "budgets.delete";
    /// See summed usage and cost.
    UsageRead = "usage.read";
    /// See what a tenant is charged where it is not what the list says.
    PricesRead = "prices.read";
    /// Say what a tenant is charged.
    PricesUpdate = "prices.update";
    /// Correct what calls cost that were made, by other prices.
    PricesRerate = "prices.rerate";
    /// See who bears which cost: rules and statements.
    ChargebackRead = "chargeback.read";
    /// Say who bears which cost.
    ChargebackWrite = "chargeback.write";
    /// Make a statement of who bears which cost final.
    ChargebackFinalize = "chargeback.finalize";
    /// See what is kept of a tenant's exchanges, and of which calls; nothing of what was said.
    HistoryRead = "history.read";
    /// Say what is kept of a tenant's exchanges, and for how long.
    HistoryUpdate = "history.update";
    /// Remove kept exchanges.
    HistoryPurge = "history.purge";
    /// Read what was said in a kept exchange.
    ExchangesRead = "exchanges.read";
    /// Take kept exchanges out, with their proofs.
    ExchangesExport = "exchanges.export";
    /// Hold what a provider billed against the ledger, and keep what came of it.
    ReconciliationsCreate = "reconciliations.create";
    /// See who is signed in.
    SessionsRead = "sessions.read";
    /// Sign somebody out.
    SessionsRevoke = "sessions.revoke";
    /// See how a tenant's people sign in by single sign-on; never its secret.
    SsoRead = "sso.read";
    /// Set up single sign-on for a tenant, or end it.
    SsoUpdate = "sso.update";
    /// Read audit records.
    AuditRead = "audit.read";
    /// Take audit records out, with their proofs.
    AuditExport = "audit.export";
    /// See providers, models and targets.
    ModelsRead = "models.read";
    /// See the policies in force, and ask why.
    PoliciesRead = "policies.read";
    /// Store a new version of policies.
    PoliciesCreate = "policies.create";
    /// Put a version of policies in force, beside those in force, or out of force.
    PoliciesActivate = "policies.activate";
    /// See the whole configuration of a tenant as one document.
    ConfigurationRead = "configuration.read";
    /// Plan and apply a whole configuration; each act in it is asked for as well.
    ConfigurationApply = "configuration.apply";
    /// See provider credentials of the store; never their values.
    CredentialsRead = "credentials.read";
    /// Make or remove a provider credential, or put a new value in.
    CredentialsUpdate = "credentials.update";
    /// Put another version of a provider credential in force.
    CredentialsRotate = "credentials.rotate";
    /// Take a provider credential's values away at once.
    CredentialsRevoke = "credentials.revoke";
    /// Send again what a sink did not take.
    AlertsResend = "alerts.resend";
    /// Forget what a sink did not take; the audit log has it all the same.
    AlertsDrop = "alerts.drop";
    /// Send a sink a test.
    AlertsTest = "alerts.test";
    /// See whom a tenant has told of its acts, and what it has delivered; never their secrets.
    DeliveryRead = "delivery.read";
    /// Say whom a tenant has told of its acts, and what it has delivered where.
    DeliveryUpdate = "delivery.update";
    /// Send a tenant's own sink again what it did not take.
    DeliveryResend = "delivery.resend";
    /// Forget what a tenant's own sink did not take; the audit log has it all the same.
    DeliveryDrop = "delivery.drop";
    /// Send a tenant's own sink a test.
    DeliveryTest = "delivery.test";
    /// See how a tenant guards its own calls.
    GuardsRead = "guards.read";
    /// Say how a tenant guards its own calls, beyond what the instance asks.
    GuardsUpdate = "guards.update";
    /// See where a tenant lets the content of its calls go.
    ConsentsRead = "consents.read";
    /// Say where a tenant lets the content of its calls go.
    ConsentsUpdate = "consents.update";
    /// See the texts that a tenant's calls put into prompts.
    SamplesRead = "samples.read";
    /// Write such texts, or take them away.
    SamplesUpdate = "samples.update";
    /// See a tenant's prompt templates, their versions and who did what with them.
    PromptsRead = "prompts.read";
    /// Write versions of a prompt template, hand them in, retire them.
    PromptsUpdate = "prompts.update";
    /// Publish or reject somebody else's version of a prompt template.
    PromptsReview = "prompts.review";
    /// See the instance's settings.
    SettingsRead = "settings.read";
    /// See acts that wait for a second person.
    ApprovalsRead = "approvals.read";
    /// Approve or deny somebody else's act.
    ApprovalsDecide = "approvals.decide";
    /// See who broke the glass, when and why.
    BreakGlassRead = "break_glass.read";
    /// Act for a while without waiting for a second person.
    BreakGlassOpen = "break_glass.open";
    /// End such a time.
    BreakGlassClose = "break_glass.close";
}

impl Permission {
    /// The permission of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == name)
    }

    /// Whether it changes nothing.
    pub fn is_read(self) -> bool {
        matches!(self.as_str().rsplit_once('.'), Some((_, "read" | "export")))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
