//! Alerts by mail (SMTP). One mail holds what one log has for it, as text and as HTML. Over TLS, or not at all unless
//! that is permitted; no header is written from what a caller wrote but the subject, which is one line.

mod body;

pub(super) use body::escaped;

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::letter::Letter;
use super::message::Message;
use super::{Delivered, Keyring, Trouble};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of them may.
const ALL: Duration = Duration::from_secs(25);
/// Alerts in one mail.
const ALERTS_MAX: usize = 50;

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte.
    Whole,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS where the server offers it.
    Offered,
}

/// Where mail goes.
#[derive(Debug)]
pub struct MailOptions {
    /// `host:port`.
    pub place: String,
    /// What protects it.
    pub tls: MailTls,
    /// The only authorities that are believed, DER; the system's when empty.
    pub authorities: Vec<Vec<u8>>,
    /// Who signs in, if anybody does.
    pub user: Option<String>,
    /// Where the password is.
    pub keys: Arc<dyn Keyring>,
    /// Whom it is from.
    pub from: String,
    /// Whom it is to.
    pub to: Vec<String>,
    /// What this instance calls itself.
    pub host: String,
}

pub(super) struct Mailer {
    options: MailOptions,
    port: u16,
    tls: TlsParameters,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    pub(super) fn new(options: MailOptions) -> Result<Self, String> {
        let (host, port) = options.place.rsplit_once(':').ok_or("no port")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.parse().map_err(|_| "no port")?;
        Ok(Self {
            from: mailbox(&options.from)?,
            to: options
                .to
                .iter()
                .map(|to| mailbox(to))
                .collect::<Result<_, _>>()?,
            tls: parameters(&host, &options.authorities)?,
            port,
            options,
        })
    }

    /// One mail with as much as fits; all of it is taken, or nothing.
    pub(super) async fn deliver(&self, messages: &[Message]) -> Delivered {
        let first: &[Message] = messages.get(..ALERTS_MAX).unwrap_or(messages);
        let sent = tokio::time::timeout(ALL, self.send(first)).await;
        match sent.unwrap_or_else(|_| Err(Trouble::Away("not taken in time".to_owned()))) {
            Ok(()) => Delivered::all(first.len()),
            Err(trouble) => Delivered {
                at_stake: first.len(),
                ..Delivered::nothing(trouble)
            },
        }
    }

    /// Sends a letter, whose id is the same however often that is done.
    pub(super) async fn post(&self, id: &str, letter: &Letter) -> Result<(), Trouble> {
        let parts = (letter.subject(), letter.text(), letter.html());
        let mail = self
            .written(id, parts)
            .map_err(|why| Trouble::refused(why, true))?;
        let sent = tokio::time::timeout(ALL, self.hand_over(mail)).await;
        sent.unwrap_or_else(|_| Err(Trouble::Away("not taken in time".to_owned())))
    }

    async fn send(&self, messages: &[Message]) -> Result<(), Trouble> {
        let mail = self.mail(messages).map_err(|why| Trouble::refused(why, true))?;
        self.hand_over(mail).await
    }

    async fn hand_over(&self, mail: Mail) -> Result<(), Trouble> {
        let transport = self.transport().await.map_err(Trouble::Away)?;
        transport
            .send(mail)
            .await
            .map(|_| ())
            .map_err(|error| trouble(&error))
    }

    /// A connection is made for each mail, to where the name leads now.
    // threat: ANP-0018
    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let found = upstream::addresses(&self.options.place).await;
        let found = found.map_err(|error| error.to_string())?;
        let address = found.first().ok_or("no address")?;
        let parameters = self.tls.clone();
        let tls = match self.options.tls {
            MailTls::Whole => Tls::Wrapper(parameters),
            MailTls::Required => Tls::Required(parameters),
            MailTls::Offered => Tls::Opportunistic(parameters),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(self.port)
            .hello_name(ClientId::Domain(hello(&self.options.host)))
            .timeout(Some(PATIENCE))
            .tls(tls);
        if let Some(user) = &self.options.user {
            let secrets = self.options.keys.secrets().await?;
            let password = secrets
                .first()
                .ok_or("there is no password")?
                .expose()
                .trim_end()
                .to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    fn mail(&self, messages: &[Message]) -> Result<Mail, String> {
        let first = messages.first().ok_or("nothing to say")?;
        let parts = (
            body::subject(messages),
            body::text(messages),
            body::html(messages),
        );
        self.written(&first.record.id.to_string(), parts)
    }

    fn written(&self, id: &str, (subject, text, html): (String, String, String)) -> Result<Mail, String> {
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", hello(&self.options.host))));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let parts = MultiPart::alternative_plain_html(text, html);
        mail.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(parts)
            .map_err(|error| error.to_string())
    }
}

/// An address, with a name or without.
pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || format!("`{}` is no mail address", super::alert::clip(text, 80));
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn parameters(host: &str, authorities: &[Vec<u8>]) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !authorities.is_empty() {
        builder = builder.certificate_store(CertificateStore::None);
    }
    for authority in authorities {
        let certificate = Certificate::from_der(authority.clone()).map_err(|error| error.to_string())?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| error.to_string())
}

/// What a server says is not repeated: it may repeat what it was shown.
fn trouble(error: &lettre::transport::smtp::Error) -> Trouble {
    match error.status() {
        Some(code) if error.is_permanent() => Trouble::refused(format!("answered with {code}"), true),
        Some(code) => Trouble::refused(format!("answered with {code}"), false),
        None if error.is_client() => Trouble::Away(format!("the server cannot be used: {error}")),
        None if error.is_timeout() => Trouble::Away("no answer in time".to_owned()),
        None if error.is_tls() => Trouble::Away(format!("TLS: {}", causes(error))),
        None => Trouble::Away(causes(error)),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    if let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
    }
    super::alert::clip(&text, 200)
}

/// What can stand in a greeting.
fn hello(host: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = host.chars().filter(plain).take(255).collect();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::{evil, mark, message};
    use super::*;
    use domain::Secret;

    #[derive(Debug)]
    struct None;

    #[async_trait::async_trait]
    impl Keyring for None {
        async fn secrets(&self) -> Result<Vec<Secret>, String> {
            Ok(Vec::new())
        }
    }

    fn mailer(from: &str, to: &[&str]) -> Result<Mailer, String> {
        Mailer::new(MailOptions {
            place: "mail.example.com:587".to_owned(),
            tls: MailTls::Required,
            authorities: Vec::new(),
            user: Option::None,
            keys: Arc::new(None),
            from: from.to_owned(),
            to: to.iter().map(|&to| to.to_owned()).collect(),
            host: "gate.example.com".to_owned(),
        })
    }

    fn written(messages: &[Message]) -> String {
        let mailer = mailer("Bartizan <gate@example.com>", &["ops@example.com"]).unwrap();
        String::from_utf8(mailer.mail(messages).unwrap().formatted()).unwrap()
    }

    #[test]
    fn agp_r3_nothing_that_a_caller_wrote_becomes_a_header_or_markup() {
        let text = written(&[message(evil()), message(mark())]);
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(':').unwrap().0.to_ascii_lowercase())
            .collect();
        let mut sorted = names.clone();
        sorted.sort();
        let known = [
            "auto-submitted",
            "content-type",
            "date",
            "from",
            "message-id",
            "mime-version",
            "subject",
            "to",
        ];
        assert_eq!(sorted, known, "{head}");
        let html = body::html(&[message(evil())]);
        assert!(!html.contains("<!channel>") && !html.contains("<https"), "{html}");
    }

    #[test]
    fn who_is_no_address_gets_no_mail() {
        for bad in ["", "ops", "ops@", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b"] {
            assert!(mailer(bad, &["ops@example.com"]).is_err(), "{bad}");
            assert!(mailer("gate@example.com", &[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_subject_is_bounded_and_counts_what_is_in_the_mail() {
        assert_eq!(
            body::subject(&[message(mark())]),
            "[warning] acme: Budget month has reached 80 %"
        );
        let many: Vec<_> = (0..7).map(|_| message(mark())).collect();
        assert_eq!(
            body::subject(&many),
            "[warning] acme: Budget month has reached 80 % and 6 more"
        );
        assert!(body::subject(&[message(evil())]).chars().count() <= 200);
    }

    #[test]
    fn a_mail_as_it_reads() {
        insta::assert_snapshot!("text", body::text(&[message(mark())]));
        insta::assert_snapshot!("html", body::html(&[message(mark())]));
    }
}
