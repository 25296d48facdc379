//! Links in what is asked and answered: where they lead, what they carry away, and whether they say so. Never opens one.
//!
//! Found are addresses in markdown (links, images, definitions), in HTML attributes, in style sheets, and bare ones with a
//! scheme or `www.`; read as browsers read them, with references to characters and percent-encoding undone. A name alone
//! (`example.com`) is no link.

mod address;
mod carry;
mod context;
mod plain;
mod stream;
mod text;
mod walk;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Mode;
use crate::finding::{Finding, Kind, SURE};
use crate::personal::Personal;
use crate::secrets::Secrets;
use address::{Address, Leads};
use carry::Carry;
pub(crate) use context::Said;
pub(crate) use stream::LinkStream;
use walk::Place;
pub use walk::{LINK_BYTES_MAX, LINK_HOLD_BACK_BYTES_MAX};

/// So many hosts one list may name.
const HOSTS_MAX: usize = 1_024;

/// To a host that no list allows.
const NOT_ALLOWED: &str = "link:not_allowed";
/// To a host that is denied.
const DENIED: &str = "link:denied";
/// Carries data away.
const EXFILTRATION: &str = "link:exfiltration";
/// Loads by itself from a host that is not one's own.
const IMAGE: &str = "link:image";
/// Says it leads elsewhere.
const DECEPTIVE: &str = "link:deceptive";
/// Runs something.
const SCHEME: &str = "link:scheme";
/// Too long to be looked at.
const LONG: &str = "link:too_long";

/// What to do about links in prompts and answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LinksGuard")]
#[serde(default, deny_unknown_fields)]
pub struct LinkRules {
    /// In what callers send.
    pub input: Mode,
    /// In what models answer.
    pub output: Mode,
    /// Hosts that links may lead to, such as `example.com` or `*.corp.example` (what is within it); every host unless said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Hosts that no link may lead to, allowed or not; what is within them too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// Hosts of one's own, for `images`; allowed as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
    /// From where images and all else may be loaded that loads without a click.
    pub images: Images,
    /// Whether links are looked for that carry data away, wherever they lead: placeholders, encoded text, secrets,
    /// personal data, what was said in the request, too much of anything.
    pub exfiltration: bool,
    /// Whether links are looked for that say they lead elsewhere: another address as their text, a name before an `@`,
    /// letters of another script, an address as a number, a name like one of the lists.
    pub deceptive: bool,
    /// Whether links are looked for that run something (`javascript:`, `data:` but for pictures) or open files.
    pub schemes: bool,
}

impl Default for LinkRules {
    fn default() -> Self {
        Self {
            input: Mode::Off,
            output: Mode::Off,
            allow: Vec::new(),
            deny: Vec::new(),
            own: Vec::new(),
            images: Images::Any,
            exfiltration: true,
            deceptive: true,
            schemes: true,
        }
    }
}

/// From where images may be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LinkImages")]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// From every host that links may lead to.
    #[default]
    Any,
    /// From hosts of `own` alone, or of `allow` where `own` is empty.
    OwnOnly,
}

impl LinkRules {
    /// Whether these rules ask for a finding; `link` is what was found. Where that or the lists are not at hand, they do.
    pub(crate) fn asks(&self, finding: &Finding, link: Option<&str>, lists: Option<&Lists>) -> bool {
        let rule = finding.rule.as_ref();
        match rule {
            EXFILTRATION => return self.exfiltration,
            SCHEME => return self.schemes,
            LONG => return true,
            DECEPTIVE if !self.deceptive => return false,
            DECEPTIVE if finding.category != LIKE => return true,
            NOT_ALLOWED if self.allow.is_empty() => return false,
            DENIED if self.deny.is_empty() => return false,
            IMAGE if self.images == Images::Any => return false,
            _ => {}
        }
        let Some(lists) = lists else { return true };
        let link = link.map(address_of);
        let Some(address) = link.as_deref().and_then(address::read) else {
            return true;
        };
        match rule {
            NOT_ALLOWED => lists.allows_not(&address),
            DENIED => lists.denies(&address),
            IMAGE => lists.is_foreign(&address),
            _ => lists.is_like(&address),
        }
    }

    /// What of it cannot be done, with where it stands.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (at, mode) in [("links.input", self.input), ("links.output", self.output)] {
            if mode == Mode::Mask {
                problems.push((
                    at,
                    "is `mask`: a model cannot use a placeholder for a link; give `redact`".into(),
                ));
            }
        }
        for (at, list) in [
            ("links.allow", &self.allow),
            ("links.deny", &self.deny),
            ("links.own", &self.own),
        ] {
            if list.len() > HOSTS_MAX {
                problems.push((
                    at,
                    format!(
                        "are more than {HOSTS_MAX} hosts: name what they have in common, as `*.example.com`"
                    ),
                ));
            }
            if let Some(wrong) = list.iter().find(|host| Host::read(host).is_none()) {
                problems.push((at, format!("`{wrong}` is no host: give a name such as `example.com` or `*.example.com`, without scheme and path")));
            }
        }
        if self.images == Images::OwnOnly && self.own.is_empty() && self.allow.is_empty() {
            problems.push((
                "links.images",
                "is `own_only`, and no host is one's own: name them in `own`".into(),
            ));
        }
        problems
    }
}

/// The link as mark-up gives it, from its text.
fn address_of(link: &str) -> String {
    let value = text::decoded(link.as_bytes());
    let www = value
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("www."));
    if www { format!("https://{value}") } else { value }
}

/// One entry of a list of hosts.
#[derive(Debug)]
struct Host {
    name: String,
    within: bool,
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        let (name, within) = match text.trim().strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text.trim(), false),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_host = !name.is_empty() && (name.chars().all(plain) || name.starts_with('['));
        let host = is_host.then(|| url::Host::parse(name).ok()).flatten()?;
        let name = host.to_string();
        Some(Self { name, within })
    }
}

/// Hosts by name, looked up in one step for each of their parts.
#[derive(Debug, Default)]
struct Hosts {
    exact: HashSet<String>,
    within: HashSet<String>,
}

impl Hosts {
    fn of<'h>(hosts: impl IntoIterator<Item = &'h String>) -> Self {
        let mut all = Self::default();
        for host in hosts.into_iter().filter_map(|text| Host::read(text)) {
            let list = if host.within {
                &mut all.within
            } else {
                &mut all.exact
            };
            list.insert(host.name);
        }
        all
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.within.is_empty()
    }

    fn has(&self, host: &str) -> bool {
        self.exact.contains(host) || parents(host).any(|parent| self.within.contains(parent))
    }

    /// The same for what is denied: a host stands for all within it.
    fn covers(&self, host: &str) -> bool {
        let known = |name: &str| self.exact.contains(name) || self.within.contains(name);
        known(host) || parents(host).any(known)
    }
}

fn parents(host: &str) -> impl Iterator<Item = &str> + Clone {
    host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..))
}

/// The lists of one profile.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    allow: Hosts,
    deny: Hosts,
    /// For images; `None` where they may come from anywhere.
    own: Option<Hosts>,
    /// Names that others may be made to look like, and what they look like; empty where nobody asks.
    names: HashSet<String>,
    shapes: HashSet<String>,
}

impl Lists {
    pub(crate) fn of(rules: &LinkRules) -> Self {
        let allow = if rules.allow.is_empty() {
            Hosts::default()
        } else {
            Hosts::of(rules.allow.iter().chain(&rules.own))
        };
        let own = if rules.own.is_empty() {
            &rules.allow
        } else {
            &rules.own
        };
        let own = (rules.images == Images::OwnOnly).then(|| Hosts::of(own));
        let named = rules.allow.iter().chain(&rules.own).filter(|_| rules.deceptive);
        let named = named.filter_map(|text| Host::read(text));
        let names: HashSet<String> = named.map(|host| host.name).collect();
        let shapes = names.iter().map(|name| address::shape(&unicode(name))).collect();
        Self {
            allow,
            deny: Hosts::of(&rules.deny),
            own,
            names,
            shapes,
        }
    }

    fn allows_not(&self, address: &Address<'_>) -> bool {
        !self.allow.is_empty() && hosts(address).any(|host| !self.allow.has(host))
    }

    fn denies(&self, address: &Address<'_>) -> bool {
        hosts(address).any(|host| self.deny.covers(host))
    }

    fn is_foreign(&self, address: &Address<'_>) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| hosts(address).any(|host| !own.has(host)))
    }

    /// Whether its host looks like one of the lists and is none of them.
    fn is_like(&self, address: &Address<'_>) -> bool {
        let Leads::To(host) = &address.leads else {
            return false;
        };
        let all = |name| std::iter::once(name).chain(parents(name));
        let is_like =
            |name: &str| name.contains('.') && self.shapes.contains(&address::shape(&unicode(name)));
        let is_written_like = |name: &str| name.contains('.') && self.shapes.contains(&address::shape(name));
        !self.names.is_empty()
            && !all(host).any(|name| self.names.contains(name))
            && (all(host).any(is_like) || all(address.written).any(is_written_like))
    }
}

/// A name of a host as people read it.
fn unicode(host: &str) -> Cow<'_, str> {
    let is_encoded =
        !host.is_ascii() || host.contains("xn--") || host.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_encoded {
        idna::domain_to_unicode(host).0.into()
    } else {
        host.into()
    }
}

/// The host it leads to, and those it may be sent on to.
fn hosts<'a>(address: &'a Address<'_>) -> impl Iterator<Item = &'a str> {
    let own = match &address.leads {
        Leads::To(host) => Some(host.as_ref()),
        Leads::Runs => None,
    };
    own.into_iter().chain(address.nested.iter().map(String::as_str))
}

/// Why a link deceives: it is like a name of the lists.
const LIKE: &str = "like";

/// Looks at links for all profiles of a plan. Built once, shared.
#[derive(Default)]
pub struct Links {
    lists: Vec<Arc<Lists>>,
    carry: Option<Carry>,
    deceptive: bool,
    schemes: bool,
}

impl Links {
    /// For the rules of several profiles, with their lists; what carries data away is told by the guards of secrets and
    /// personal data.
    pub(crate) fn new<'r>(
        rules: impl Iterator<Item = (&'r LinkRules, Option<Arc<Lists>>)>,
        secrets: &Arc<Secrets>,
        personal: &Personal,
    ) -> Self {
        let mut links = Self::default();
        for (rules, lists) in rules {
            links.lists.extend(lists);
            links.deceptive |= rules.deceptive;
            links.schemes |= rules.schemes;
            if rules.exfiltration && links.carry.is_none() {
                links.carry = Some(Carry::new(Arc::clone(secrets), personal));
            }
        }
        links
    }

    /// Whether what a request said is of use.
    pub(crate) const fn wants_context(&self) -> bool {
        self.carry.is_some()
    }

    /// Appends what is found in a whole text.
    pub(crate) fn scan(&self, text: &str, said: Option<&Said>, found: &mut Vec<Finding>) {
        let mut stream = LinkStream::new();
        stream.push(self, said, text, found);
        stream.finish(self, said, found);
    }

    /// Judges one link; `base` is where the window starts.
    // threat: AGP-T1 AGP-I3
    fn judge(&self, place: &Place<'_>, base: usize, said: Option<&Said>, found: &mut Vec<Finding>) {
        let span = base + place.span.start..base + place.span.end;
        if place.long {
            found.push(finding(LONG, "", span));
            return;
        }
        let Some(address) = address::read(&place.value) else {
            return;
        };
        let mut add = |rule, category| found.push(finding(rule, category, span.clone()));
        let Leads::To(host) = &address.leads else {
            if self.schemes {
                add(SCHEME, "");
            }
            return;
        };
        if let Some(carry) = &self.carry
            && let Some(what) = carry.what(&address.parts, place.loads, said)
        {
            add(EXFILTRATION, what);
        }
        let any =
            |tell: fn(&Lists, &Address<'_>) -> bool| self.lists.iter().any(|lists| tell(lists, &address));
        if any(Lists::denies) {
            add(DENIED, "");
        }
        if any(Lists::allows_not) {
            add(NOT_ALLOWED, "");
        }
        if place.loads && any(Lists::is_foreign) {
            add(IMAGE, "");
        }
        if self.deceptive {
            let label = place.label.as_deref().and_then(address::named);
            if address.deceives {
                add(DECEPTIVE, "form");
            } else if label.is_some_and(|label| !address::same_place(&label, host)) {
                add(DECEPTIVE, "label");
            } else if any(Lists::is_like) {
                add(DECEPTIVE, LIKE);
            }
        }
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("lists", &self.lists.len())
            .finish_non_exhaustive()
    }
}

fn finding(rule: &'static str, category: &'static str, span: Range<usize>) -> Finding {
    Finding {
        span,
        rule: rule.into(),
        kind: Kind::Link,
        category,
        score: SURE,
    }
}
