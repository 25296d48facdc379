//! Where a link leads, as a browser reads it (WHATWG), and what about it deceives. Never opens it.

use std::borrow::Cow;
use std::sync::LazyLock;

use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::MixedScript;
use url::{Host, Url};

use super::plain::Plain;
use super::text::unescaped;

/// So many addresses inside an address are looked at.
const NESTED_MAX: usize = 4;
/// Ends of names that people read as an address when they stand alone.
const TOPS: [&str; 14] = [
    "com", "org", "net", "gov", "edu", "mil", "int", "eu", "de", "uk", "fr", "es", "it", "bank",
];

/// A link, read.
#[derive(Debug)]
pub(super) struct Address<'v> {
    /// Its parts.
    pub(super) parts: Parts<'v>,
    /// What kind of thing it names.
    pub(super) leads: Leads<'v>,
    /// Whether its form is made to be read as another one.
    pub(super) deceives: bool,
    /// The host as it is written, which people read.
    pub(super) written: &'v str,
    /// Hosts of addresses within its path, query or fragment, where a redirector may lead.
    pub(super) nested: Vec<String>,
}

/// The parts of a link, as a browser has them.
#[derive(Debug)]
pub(super) enum Parts<'v> {
    /// Of one that any browser leaves as it is.
    Plain(Plain<'v>),
    /// Of any other.
    Url(Url),
}

impl Parts<'_> {
    /// What is behind the host, up to a question mark.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::Plain(plain) if plain.path.is_empty() => "/",
            Self::Plain(plain) => plain.path,
            Self::Url(url) => url.path(),
        }
    }

    /// What is behind the question mark; empty where nothing is.
    pub(super) fn query(&self) -> &str {
        match self {
            Self::Plain(plain) => plain.query,
            Self::Url(url) => url.query().unwrap_or_default(),
        }
    }

    /// What is behind the hash; empty where nothing is.
    pub(super) fn fragment(&self) -> &str {
        match self {
            Self::Plain(plain) => plain.fragment,
            Self::Url(url) => url.fragment().unwrap_or_default(),
        }
    }

    /// The host, where that is a name.
    pub(super) fn domain(&self) -> Option<&str> {
        match self {
            Self::Plain(plain) => Some(plain.host),
            Self::Url(url) => url.domain(),
        }
    }

    /// The whole.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(plain) => plain.text(),
            Self::Url(url) => url.as_str().into(),
        }
    }
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leads<'v> {
    /// A host, in lower case, in ASCII.
    To(Cow<'v, str>),
    /// Something that runs, or files of the reader's own.
    Runs,
}

/// Reads an address; `None` for what leads nowhere: what no browser takes for one, mail, telephones, pictures that are
/// all here.
pub(super) fn read(value: &str) -> Option<Address<'_>> {
    let value = value.trim_matches(|c: char| c <= ' ');
    if let Some(plain) = Plain::read(value) {
        return Some(Address {
            parts: Parts::Plain(plain),
            leads: Leads::To(plain.host.into()),
            deceives: false,
            written: plain.host,
            nested: nested(plain.behind()),
        });
    }
    let relative = value.starts_with(['/', '\\']);
    let url = if relative {
        Url::parse(&format!("https:{value}"))
    } else {
        Url::parse(value)
    };
    let url = url.ok()?;
    let leads = match url.scheme() {
        "http" | "https" | "ftp" | "ws" | "wss" => Leads::To(name(&url)?.into()),
        "javascript" | "vbscript" if !is_idle(url.path()) => Leads::Runs,
        "data" if !is_inert(url.path()) => Leads::Runs,
        "file" | "blob" => Leads::Runs,
        _ => return None,
    };
    let deceives = leads != Leads::Runs && deceives(&url, value);
    let inner = unescaped(&url[url::Position::BeforePath..]).replace('\\', "/");
    Some(Address {
        nested: nested(&inner),
        parts: Parts::Url(url),
        leads,
        deceives,
        written: written(value),
    })
}

fn name(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// A script that does nothing.
fn is_idle(script: &str) -> bool {
    let plain: String = script.chars().filter(|c| !c.is_whitespace()).collect();
    matches!(plain.trim_end_matches(';'), "" | "void(0)" | "void0" | "//")
}

/// Data that nothing runs: pictures of pixels, sound, plain text.
fn is_inert(data: &str) -> bool {
    let kind = data
        .split([',', ';'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let runs =
        kind.contains("svg") || kind.contains("html") || kind.contains("xml") || kind.contains("script");
    let inert = ["image/", "audio/", "video/", "font/", "application/font"];
    !runs && (inert.iter().any(|it| kind.starts_with(it)) || kind.is_empty() || kind == "text/plain")
}

/// A host that stands for something else than people read: a name before the `@`, a number that hides its address, letters
/// of another script.
fn deceives(url: &Url, value: &str) -> bool {
    let user = unescaped(url.username());
    if looks_like_host(&user)
        || (user.contains('.') && url.password().is_none() && user.contains(['/', '\\']))
    {
        return true;
    }
    match url.host() {
        Some(Host::Ipv4(address)) => unescaped(written(value)) != address.to_string(),
        Some(Host::Domain(domain)) => {
            let (unicode, _) = idna::domain_to_unicode(domain);
            unicode.split('.').any(is_lookalike)
        }
        _ => false,
    }
}

/// The host as it is written.
fn written(value: &str) -> &str {
    let rest = value.split_once(':').map_or(value, |(scheme, rest)| {
        let is_scheme = !scheme.contains(['/', '\\']);
        if is_scheme { rest } else { value }
    });
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split(':').next().unwrap_or_default().trim_end_matches('.')
}

/// Letters that pass for others: scripts that do not go together, or a whole word of letters that look Latin.
fn is_lookalike(label: &str) -> bool {
    if label.is_ascii() {
        return false;
    }
    !label.is_single_script() || shape(&label.to_lowercase()).is_ascii()
}

/// What a name looks like, as it is written: a capital `I` is like an `l`.
pub(super) fn shape(name: &str) -> String {
    let mut shape = String::with_capacity(name.len());
    for byte in name.bytes() {
        let Some(known) = SHAPES.get(usize::from(byte)).and_then(Option::as_ref) else {
            return skeleton(name).collect::<String>().to_ascii_lowercase();
        };
        shape.push_str(known);
    }
    shape
}

/// What each letter, digit and sign of ASCII looks like that looks like others of them.
static SHAPES: LazyLock<Vec<Option<String>>> = LazyLock::new(|| {
    let shape = |byte: u8| {
        let shape = skeleton(char::from(byte).encode_utf8(&mut [0; 4])).collect::<String>();
        shape.is_ascii().then(|| shape.to_ascii_lowercase())
    };
    (0..0x80).map(shape).collect()
});

/// Hosts of addresses that stand in what is behind the host of an address.
fn nested(inner: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for (at, _) in inner.match_indices("//").take(4 * NESTED_MAX) {
        let before = inner.get(..at).unwrap_or_default();
        let is_start = before.ends_with(':') || before.ends_with('=');
        let rest = inner.get(at..).unwrap_or_default();
        let rest = rest
            .split(['&', ' ', '"', '<', '>', ';', ','])
            .next()
            .unwrap_or_default();
        let host = is_start
            .then(|| Url::parse(&format!("https:{rest}")).ok())
            .flatten();
        if let Some(host) = host.as_ref().and_then(name).filter(|host| host.contains('.')) {
            hosts.push(host);
        }
        if hosts.len() == NESTED_MAX {
            break;
        }
    }
    hosts
}

fn looks_like_host(text: &str) -> bool {
    let host = text.split(['/', '\\', '?', '#', ':']).next().unwrap_or_default();
    let Some((head, top)) = host.rsplit_once('.') else {
        return false;
    };
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    TOPS.contains(&top) && head.split('.').all(is_label)
}

/// The host that words for people name, where they name one: an address, or a name alone.
pub(super) fn named(label: &str) -> Option<String> {
    if label.contains("](") {
        // An image as the label shows no address, whatever its own is.
        return None;
    }
    let label = label.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    if label.is_empty() || label.chars().any(char::is_whitespace) {
        return None;
    }
    let lower = label.to_lowercase();
    let whole = match () {
        () if lower.starts_with("http://") || lower.starts_with("https://") => lower,
        () if lower.starts_with("www.") || looks_like_host(label) => format!("https://{label}"),
        () => return None,
    };
    match read(&whole)?.leads {
        Leads::To(host) => Some(host.into_owned()),
        Leads::Runs => None,
    }
}

/// Whether two hosts are one place to people: the same, or one within the other.
pub(super) fn same_place(one: &str, other: &str) -> bool {
    let plain = |host: &'_ str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let (one, other) = (plain(one), plain(other));
    let within = |inner: &str, outer: &str| inner.strip_suffix(outer).is_some_and(|head| head.ends_with('.'));
    one == other || within(&one, &other) || within(&other, &one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ascii_look_like_what_they_look_like_sign_by_sign() {
        let all: String = (0x21..0x7F_u8).map(char::from).collect();
        for name in [
            "rnicrosoft.com",
            "G00GLE.com",
            "paypaI.com",
            "a-b_c.1l|",
            all.as_str(),
            "bücher.de",
        ] {
            assert_eq!(
                shape(name),
                skeleton(name).collect::<String>().to_ascii_lowercase(),
                "{name}"
            );
        }
    }

    #[test]
    fn what_an_address_leads_on_to_is_read_plain_or_not() {
        for value in [
            "https://a.test/r?u=https://b.test/x",
            "https://a.test:80/r?u=https://b.test/x",
        ] {
            assert_eq!(read(value).unwrap().nested, ["b.test"], "{value}");
        }
    }
}
