//! Texts that a tenant's calls put into prompts, and every version of them. What guards would stop or change in a call is not
//! kept: a text that is changed on its way in would not be the one that its author signed for, and its digest another.

use apps::{SAMPLES_BYTES_MAX, SAMPLES_MAX, Sample, is_name, judged, refusing, sha256};
use domain::{TenantId, Threat};
use guard::{Origin, Plan, Profiles, Ready};
use schemars::JsonSchema;
use serde::Serialize;
use store::{Change, Record, RecordKind};

use super::guards::{entered, invalid, maker, wrong};
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::documents::{self, Kept};
use crate::etag;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;
use crate::texts::{all, found, put as putting, version_id};

/// A sample, without what it says.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SampleLine {
    /// Its name: calls take it up by it.
    pub name: String,
    /// The version in use: entries of calls that took it up name it as `sample:tone@2`.
    pub number: u64,
    /// Since when, RFC 3339.
    pub made: String,
    /// Who wrote it.
    pub by: String,
    /// Whether what is stored is not as it was written: calls that want it are refused until it is written again.
    pub damaged: bool,
    /// What it is.
    pub media: apps::Media,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// Bytes of its text.
    pub bytes: u64,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
}

/// A version of a sample.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SampleView {
    /// What is known of it.
    #[serde(flatten)]
    pub line: SampleLine,
    /// The text; empty in a version that says that the sample is gone.
    pub text: String,
    /// The JSON Schema that it meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub schema: Option<serde_json::Value>,
}

shapes! { given: Sample ; shown: SampleLine, SampleView }

impl SampleView {
    fn of(name: &str, kept: Kept<Sample>) -> Self {
        Self {
            line: SampleLine {
                name: name.to_owned(),
                number: kept.number,
                made: time(kept.made),
                by: maker(&kept.by),
                damaged: false,
                media: kept.document.media,
                labels: kept.document.labels,
                bytes: kept.document.text.len() as u64,
                sha256: sha256(kept.document.text.as_bytes()),
            },
            text: kept.document.text,
            schema: kept.document.schema,
        }
    }

    /// What is said of one that is not as it was written: nothing that stands in it.
    fn damaged(record: &Record) -> Self {
        Self {
            line: SampleLine {
                name: record.id.clone(),
                number: 0,
                made: time(record.created),
                by: String::new(),
                damaged: true,
                media: apps::Media::Plain,
                labels: Vec::new(),
                bytes: 0,
                sha256: String::new(),
            },
            text: String::new(),
            schema: None,
        }
    }
}

/// What is tagged.
#[derive(Debug, Default, Serialize)]
struct Tagged<'a> {
    document: Option<&'a str>,
}

fn tagged(record: Option<&Record>) -> Tagged<'_> {
    Tagged {
        document: record.map(|record| record.document.as_str()),
    }
}

impl Call {
    /// A name in the path.
    pub(super) fn text_name(&self, what: &str) -> Result<String, Problem> {
        let name: String = self.id(what)?;
        if is_name(&name) {
            return Ok(name);
        }
        let detail = "a name has up to 64 lower-case letters, digits, `-`, `_` and `.`, and begins with one of the first two";
        Err(Problem::new(Code::Invalid, detail))
    }

    /// How texts of this tenant's are judged that any of its calls may take up.
    pub(super) async fn text_guards(&self, entered: &Entered) -> Result<Plan, Problem> {
        let tenant = entered.tenant();
        let newest = documents::newest::<Profiles>(self.control.store.as_ref(), entered.scope()).await?;
        let own = newest.map(|(_, kept)| Ready::own(kept.document));
        let name = self
            .names
            .tenant(tenant)
            .map(|tenant| tenant.name)
            .unwrap_or_default();
        Ok(self.control.serving.text_guards((tenant, &name), own.as_ref()))
    }
}

fn read(call: &Call, tenant: TenantId, record: &Record) -> Option<Kept<Sample>> {
    call.control.keys.marks().read(tenant, record).ok()
}

/// `GET …/samples`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let records = all(
        call.control.store.as_ref(),
        entered.scope(),
        (RecordKind::Sample, None),
    )
    .await?;
    let lines = records.iter().filter_map(|record| {
        let Some(kept) = read(&call, entered.tenant(), record) else {
            return Some(SampleView::damaged(record).line);
        };
        (!kept.document.is_gone()).then(|| SampleView::of(&record.id, kept).line)
    });
    let label = call.query("label");
    let wanted = |line: &SampleLine| label.is_none_or(|label| line.labels.iter().any(|one| one == label));
    let page = call.page_of(
        lines.filter(wanted),
        |line: &SampleLine, _| Place::by_id(&line.name),
        |line| line,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `GET …/samples/{sample}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let name = call.text_name("sample").map_err(|_| Problem::not_found())?;
    let at = (RecordKind::Sample, name.as_str());
    let record = found(call.control.store.as_ref(), entered.scope(), at).await?;
    let record = record.ok_or_else(Problem::not_found)?;
    let view = match read(&call, entered.tenant(), &record) {
        Some(kept) if kept.document.is_gone() => return Err(Problem::not_found().into()),
        Some(kept) => SampleView::of(&name, kept),
        None => SampleView::damaged(&record),
    };
    shown(&record, &view)
}

fn shown(record: &Record, view: &SampleView) -> Done {
    Ok(Answer {
        etag: Some(etag::of(&tagged(Some(record)))),
        ..Answer::json(http::StatusCode::OK, view)?
    })
}

/// `PUT …/samples/{sample}`: in use on every gate within a second, once it is checked and guards have nothing against it.
// threat: ANP-0021 ANP-0011
pub async fn put(call: Call, body: Sample) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let name = call.text_name("sample")?;
    let body = body.normal().map_err(wrong)?;
    invalid(&body.problems())?;
    let plan = call.text_guards(&entered).await?;
    let rules = refusing(&judged(
        &plan,
        &[(body.text.as_str(), Origin::Document)],
        call.now,
    ));
    if !rules.is_empty() {
        let detail = format!(
            "guards would not let this text into a call of the tenant's as it is ({}): change it, or write down an exception",
            rules.join(", ")
        );
        call.tell_of(Some(Threat::Anp0021)).await;
        return Err(Problem::new(Code::Invalid, detail).at("/text").into());
    }
    let made = written(&call, &entered, &name, body).await?;
    let deed = Deed::of(
        format!("samples/{name}"),
        made.was.as_ref(),
        Some(&made.view.line),
    );
    let answer = shown(&made.after, &made.view)?;
    call.done(&permitted, deed, made.changes, answer).await
}

/// `DELETE …/samples/{sample}`: one more version, which says nothing.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let name = call.text_name("sample").map_err(|_| Problem::not_found())?;
    let at = (RecordKind::Sample, name.as_str());
    let before = found(call.control.store.as_ref(), entered.scope(), at).await?;
    let before = before.ok_or_else(Problem::not_found)?;
    if read(&call, entered.tenant(), &before).is_some_and(|kept| kept.document.is_gone()) {
        return Err(Problem::not_found().into());
    }
    let made = written(&call, &entered, &name, Sample::default()).await?;
    let deed = Deed::of(format!("samples/{name}"), made.was.as_ref(), None::<&SampleLine>);
    call.done(&permitted, deed, made.changes, Answer::nothing()).await
}

/// A version that is about to be.
struct Written {
    /// What was in use before; nothing of what it said.
    was: Option<SampleLine>,
    after: Record,
    view: SampleView,
    changes: Vec<Change>,
}

/// The next version, if the caller changes what it last saw and the tenant has room for it.
// threat: ANP-0011
async fn written(call: &Call, entered: &Entered, name: &str, body: Sample) -> Result<Written, Stop> {
    let (store, tenant, marks) = (
        call.control.store.as_ref(),
        entered.tenant(),
        call.control.keys.marks(),
    );
    let before = found(store, entered.scope(), (RecordKind::Sample, name)).await?;
    call.must_match(&tagged(before.as_ref()))?;
    let known = before.as_ref().map(|record| read(call, tenant, record));
    let number = match &known {
        None => 0,
        Some(Some(kept)) => kept.number,
        // What it says of itself is not believed: the versions beside it are counted.
        Some(None) => last_version(call, entered, name).await?,
    };
    if !body.is_gone() {
        has_room(call, entered, (name, body.text.len())).await?;
    }
    let kept = Kept {
        number: number.saturating_add(1),
        made: call.now,
        by: call.caller()?.audited(),
        document: body,
    };
    let id = version_id(name, kept.number);
    let after = marks.record((tenant, RecordKind::Sample, name), (None, call.now), &kept)?;
    let at = (tenant, RecordKind::SampleVersion, id.as_str());
    let version = marks.record(at, (Some(name), call.now), &kept)?;
    Ok(Written {
        was: known.flatten().map(|kept| SampleView::of(name, kept).line),
        view: SampleView::of(name, kept),
        changes: vec![Change::Create(version), putting(before, after.clone())],
        after,
    })
}

async fn last_version(call: &Call, entered: &Entered, name: &str) -> Result<u64, Problem> {
    let of = (RecordKind::SampleVersion, Some(name));
    let records = all(call.control.store.as_ref(), entered.scope(), of).await?;
    let number = |record: &Record| record.id.rsplit('@').next()?.parse::<u64>().ok();
    Ok(records.iter().filter_map(number).max().unwrap_or(0))
}

/// Every gate has all of them in memory.
// threat: ANP-0008
async fn has_room(call: &Call, entered: &Entered, (name, bytes): (&str, usize)) -> Result<(), Problem> {
    let records = all(
        call.control.store.as_ref(),
        entered.scope(),
        (RecordKind::Sample, None),
    )
    .await?;
    let others = records.iter().filter(|record| record.id != name);
    let living = others.filter_map(|record| match read(call, entered.tenant(), record) {
        Some(kept) if kept.document.is_gone() => None,
        Some(kept) => Some(kept.document.text.len()),
        None => Some(0),
    });
    let lengths: Vec<usize> = living.collect();
    let detail = if lengths.len() >= SAMPLES_MAX {
        format!("a tenant has {SAMPLES_MAX} samples at the most: take one away first")
    } else if lengths.iter().sum::<usize>().saturating_add(bytes) > SAMPLES_BYTES_MAX {
        format!("all samples of a tenant have {SAMPLES_BYTES_MAX} bytes at the most: take one away first")
    } else {
        return Ok(());
    };
    Err(Problem::new(Code::Conflict, detail))
}

/// `GET …/samples/{sample}/versions`.
pub async fn history(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let name = call.text_name("sample").map_err(|_| Problem::not_found())?;
    let of = (RecordKind::SampleVersion, Some(name.as_str()));
    let records = all(call.control.store.as_ref(), entered.scope(), of).await?;
    if records.is_empty() {
        return Err(Problem::not_found().into());
    }
    let view = |record: Record| match read(&call, entered.tenant(), &record) {
        Some(kept) => SampleView::of(&name, kept),
        None => SampleView::damaged(&record),
    };
    let page = call.page_of(records, |record: &Record, _| Place::by_id(&record.id), view)?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}
