//! Prompt templates of a tenant: versions that are written once, handed in with test cases that pass, and published by
//! somebody else than who wrote them. Calls use published versions and no other; a retired one is gone within a second.

mod view;

use std::collections::BTreeSet;

use apps::{
    NOTE_CHARS_MAX, Outcome, PROMPTS_MAX, PUBLISHED_MAX, SAMPLES_BYTES_MAX, Standing, State, Step, Template,
    VERSIONS_MAX, sha256,
};
use domain::{TenantId, Threat};
use serde::Serialize;
use store::{Change, Record, RecordKind};

use super::guards::{entered, invalid, wrong};
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::etag;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::texts::{InUse, Prompt, all, found, put as putting, shelf, version_id};

use view::line;
pub use view::{
    PromptDifferences, PromptLine, PromptStep, PromptVersionLine, PromptVersionView, PromptView, Review,
};

/// What is written down of a step: which text it was about, by its digest, and nothing that stands in it.
#[derive(Serialize)]
struct Noted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<State>,
    state: State,
    sha256: &'a str,
    trusted: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

impl<'a> Noted<'a> {
    fn of(view: &'a PromptVersionView, was: Option<State>) -> Self {
        Self {
            was,
            state: view.line.state,
            sha256: &view.sha256,
            trusted: &view.trusted,
            note: view.line.steps.last().map_or("", |step| &step.note),
        }
    }
}

/// What is in the store of one prompt.
struct Known {
    name: String,
    record: Option<Record>,
    prompt: Prompt,
}

#[derive(Serialize)]
struct Tagged<'a> {
    document: Option<&'a str>,
}

impl Known {
    /// What is known of the prompt in the path; nothing of one that is not there yet.
    async fn of(call: &Call, entered: &Entered) -> Result<Self, Problem> {
        let name = call.text_name("prompt")?;
        let at = (RecordKind::Prompt, name.as_str());
        let record = found(call.control.store.as_ref(), entered.scope(), at).await?;
        let prompt = match &record {
            Some(record) => call.control.keys.marks().read(entered.tenant(), record)?,
            None => Prompt::default(),
        };
        Ok(Self { name, record, prompt })
    }

    /// The same of one that must be there.
    async fn there(call: &Call, entered: &Entered) -> Result<Self, Problem> {
        call.text_name("prompt").map_err(|_| Problem::not_found())?;
        let known = Self::of(call, entered).await?;
        match known.record {
            Some(_) => Ok(known),
            None => Err(Problem::not_found()),
        }
    }

    fn tagged(&self) -> Tagged<'_> {
        Tagged {
            document: self.record.as_ref().map(|record| record.document.as_str()),
        }
    }

    fn standing(&self, number: u64) -> Result<&Standing, Problem> {
        self.prompt.versions.get(&number).ok_or_else(Problem::not_found)
    }

    /// What a version says. Of one that is not as it was written, an error.
    async fn template(&self, call: &Call, entered: &Entered, number: u64) -> Result<Template, Problem> {
        self.standing(number)?;
        let id = version_id(&self.name, number);
        let scope = entered.scope();
        let record = call
            .control
            .store
            .record(scope, RecordKind::PromptVersion, &id)
            .await?;
        Ok(call.control.keys.marks().read(entered.tenant(), &record)?)
    }

    /// The change to how far its versions have come.
    fn kept(&self, call: &Call, tenant: TenantId) -> Result<Change, Problem> {
        let created = self.record.as_ref().map_or(call.now, |record| record.created);
        let at = (tenant, RecordKind::Prompt, self.name.as_str());
        let after = call
            .control
            .keys
            .marks()
            .record(at, (None, created), &self.prompt)?;
        Ok(putting(self.record.clone(), after))
    }

    fn version_line(&self, number: u64) -> Result<PromptVersionLine, Problem> {
        let standing = self.standing(number)?;
        let step = |step: &Step| PromptStep {
            state: step.state,
            by: step.name.clone(),
            at: time(step.at),
            note: step.note.clone(),
        };
        Ok(PromptVersionLine {
            number,
            state: standing.state(),
            steps: standing.steps().map(step).collect(),
        })
    }

    fn view(
        &self,
        number: u64,
        template: Template,
        outcomes: Vec<Outcome>,
    ) -> Result<PromptVersionView, Problem> {
        let text = serde_json::to_vec(&template).unwrap_or_default();
        Ok(PromptVersionView {
            name: self.name.clone(),
            line: self.version_line(number)?,
            sha256: sha256(&text),
            trusted: template.trusted().into_iter().map(str::to_owned).collect(),
            outcomes,
            template,
        })
    }
}

/// `GET …/prompts`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let records = all(
        call.control.store.as_ref(),
        entered.scope(),
        (RecordKind::Prompt, None),
    )
    .await?;
    let marks = call.control.keys.marks();
    let lines = records.iter().map(|record| {
        let prompt: Option<Prompt> = marks.read(entered.tenant(), record).ok();
        line(&record.id, prompt.as_ref())
    });
    let page = call.page_of(
        lines,
        |line: &PromptLine, _| Place::by_id(&line.name),
        |line| line,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `GET …/prompts/{prompt}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let known = Known::there(&call, &entered).await?;
    let numbers = known.prompt.versions.keys();
    let versions = numbers
        .map(|number| known.version_line(*number))
        .collect::<Result<_, _>>()?;
    let view = PromptView {
        line: line(&known.name, Some(&known.prompt)),
        versions,
    };
    Ok(Answer {
        etag: Some(etag::of(&known.tagged())),
        ..Answer::json(http::StatusCode::OK, &view)?
    })
}

/// `PUT …/prompts/{prompt}`: a draft, which no call can use.
// threat: ANP-B0009 ANP-0011
pub async fn put(call: Call, body: Template) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let mut known = Known::of(&call, &entered).await?;
    let template = body.normal().map_err(wrong)?;
    checked(&template)?;
    call.must_match(&known.tagged())?;
    has_room(&call, &entered, &known).await?;
    let number = known.prompt.last.saturating_add(1);
    let caller = call.caller()?;
    known.prompt.last = number;
    known
        .prompt
        .versions
        .insert(number, Standing::draft(caller.id, caller.name.clone(), call.now));
    let id = version_id(&known.name, number);
    let at = (entered.tenant(), RecordKind::PromptVersion, id.as_str());
    let marks = call.control.keys.marks();
    let version = marks.record(at, (Some(known.name.as_str()), call.now), &template)?;
    let changes = vec![Change::Create(version), known.kept(&call, entered.tenant())?];
    let view = known.view(number, template, Vec::new())?;
    let deed = Deed::made(
        format!("prompts/{}@{number}", known.name),
        &Noted::of(&view, None),
    );
    let answer = Answer::json(http::StatusCode::OK, &view)?;
    call.done(&permitted, deed, changes, answer).await
}

/// The static check.
// threat: ANP-B0009
fn checked(template: &Template) -> Result<(), Problem> {
    invalid(&template.problems(&guard::Secrets::new()))
}

// threat: ANP-0008
async fn has_room(call: &Call, entered: &Entered, known: &Known) -> Result<(), Problem> {
    let full = |detail: String| Err(Problem::new(Code::Conflict, detail));
    if known.prompt.last >= VERSIONS_MAX {
        return full(format!(
            "a prompt has {VERSIONS_MAX} versions at the most: begin another"
        ));
    }
    if known.record.is_none() {
        let of = (RecordKind::Prompt, None);
        let others = all(call.control.store.as_ref(), entered.scope(), of).await?;
        if others.len() >= PROMPTS_MAX {
            return full(format!(
                "a tenant has {PROMPTS_MAX} prompts at the most: write versions of one"
            ));
        }
    }
    Ok(())
}

/// `GET …/prompts/{prompt}/versions/{version}`.
pub async fn version(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let known = Known::there(&call, &entered).await?;
    let number = call.id("version")?;
    let template = known.template(&call, &entered, number).await?;
    let view = known.view(number, template, Vec::new())?;
    Ok(Answer::view(&view)?)
}

/// `GET …/prompts/{prompt}/versions/{version}/differences`.
pub async fn differences(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let known = Known::there(&call, &entered).await?;
    let to: u64 = call.id("version")?;
    let newer = known.template(&call, &entered, to).await?;
    let published = known.prompt.published().filter(|number| *number < to).last();
    let from = match call.query_as("from")? {
        Some(number) => number,
        None => published.unwrap_or_else(|| to.saturating_sub(1)),
    };
    let older = match from {
        0 => Template {
            description: String::new(),
            messages: Vec::new(),
            variables: std::collections::BTreeMap::new(),
            defaults: apps::Defaults::default(),
            cases: Vec::new(),
        },
        from => known.template(&call, &entered, from).await?,
    };
    let view = PromptDifferences {
        from,
        to,
        lines: apps::differences(&older, &newer),
    };
    Ok(Answer::view(&view)?)
}

/// A version that is about to come further.
struct Moved {
    entered: Entered,
    permitted: Permitted,
    known: Known,
    number: u64,
    template: Template,
    was: State,
}

impl Moved {
    /// Leave to act on the version in the path, and what it says.
    async fn of(call: &Call) -> Result<Self, Stop> {
        let (entered, tenant) = entered(call).await?;
        let permitted = call.permit(&entered, tenant).await?;
        let known = Known::there(call, &entered).await?;
        let number = call.id("version")?;
        let was = known.standing(number)?.state();
        let template = known.template(call, &entered, number).await?;
        Ok(Self {
            entered,
            permitted,
            known,
            number,
            template,
            was,
        })
    }

    /// Takes the step, if this caller can.
    // threat: ANP-B0009
    async fn step(&mut self, call: &Call, state: State, note: &str) -> Result<(), Problem> {
        let caller = call.caller()?;
        let step = Step {
            state,
            by: caller.id,
            name: caller.name.clone(),
            at: call.now,
            note: note.to_owned(),
        };
        let standing = self.known.prompt.versions.get_mut(&self.number);
        let taken = standing.ok_or_else(Problem::not_found)?.take(step);
        if taken == Err(apps::NotSo::Own) {
            call.tell_of(Some(Threat::AnpB0009)).await;
            return Err(Problem::new(Code::Forbidden, apps::NotSo::Own.to_string()));
        }
        taken.map_err(|why| Problem::new(Code::Conflict, why.to_string()))
    }

    /// What comes of its test cases and of the static check, by the guards and samples of now. What fails is said.
    // threat: ANP-B0009
    async fn tried(&self, call: &Call) -> Result<Vec<Outcome>, Problem> {
        checked(&self.template)?;
        let marks = call.control.keys.marks();
        let shelf = shelf(call.control.store.as_ref(), self.entered.scope(), &marks).await?;
        let plan = call.text_guards(&self.entered).await?;
        let outcomes = self.template.run(&shelf, &plan, call.now);
        let failed = outcomes.iter().filter(|outcome| !outcome.failed.is_empty());
        let failed: Vec<String> = failed
            .map(|outcome| format!("case `{}`: {}", outcome.name, outcome.failed.join("; ")))
            .collect();
        match failed.is_empty() {
            true => Ok(outcomes),
            false => Err(Problem::new(Code::Invalid, failed.join("; ")).at("/cases")),
        }
    }

    async fn done(self, call: &Call, outcomes: Vec<Outcome>, more: Option<Change>) -> Done {
        let mut changes = vec![self.known.kept(call, self.entered.tenant())?];
        changes.extend(more);
        let view = self.known.view(self.number, self.template, outcomes)?;
        let target = format!("prompts/{}@{}", self.known.name, self.number);
        let deed = Deed::made(target, &Noted::of(&view, Some(self.was)));
        let answer = Answer::json(http::StatusCode::OK, &view)?;
        call.done(&self.permitted, deed, changes, answer).await
    }

    /// What calls may use from then on.
    async fn in_use(&self, call: &Call) -> Result<Option<Change>, Problem> {
        let published: BTreeSet<u64> = self.known.prompt.published().collect();
        in_use(call, &self.entered, &self.known, &published).await
    }
}

/// The change to what calls may use of a prompt, made anew of the versions themselves; `None` where nothing was or is in use.
async fn in_use(
    call: &Call,
    entered: &Entered,
    known: &Known,
    published: &BTreeSet<u64>,
) -> Result<Option<Change>, Problem> {
    let store = call.control.store.as_ref();
    let before = found(store, entered.scope(), (RecordKind::PromptInUse, &known.name)).await?;
    if published.is_empty() {
        return Ok(before.map(Change::Remove));
    }
    let mut versions = InUse::new();
    for number in published {
        versions.insert(*number, known.template(call, entered, *number).await?);
    }
    let at = (entered.tenant(), RecordKind::PromptInUse, known.name.as_str());
    let created = before.as_ref().map_or(call.now, |record| record.created);
    let after = call.control.keys.marks().record(at, (None, created), &versions)?;
    Ok(Some(putting(before, after)))
}

/// `POST …/submit`.
// threat: ANP-B0009
pub async fn submit(call: Call, _: Nothing) -> Done {
    let mut moved = Moved::of(&call).await?;
    moved.step(&call, State::InReview, "").await?;
    let outcomes = moved.tried(&call).await?;
    moved.done(&call, outcomes, None).await
}

fn note(body: &Review) -> Result<&str, Problem> {
    let note = body.note.trim();
    let chars = note.chars().count();
    if note.is_empty() || chars > NOTE_CHARS_MAX || note.chars().any(char::is_control) {
        let detail =
            format!("a note is one line of 1 to {NOTE_CHARS_MAX} characters: say what you looked at");
        return Err(Problem::new(Code::Invalid, detail).at("/note"));
    }
    Ok(note)
}

/// `POST …/approve`: published, on every gate within a second. Never by who wrote it or handed it in.
// threat: ANP-B0009
pub async fn approve(call: Call, body: Review) -> Done {
    let mut moved = Moved::of(&call).await?;
    moved.step(&call, State::Published, note(&body)?).await?;
    let outcomes = moved.tried(&call).await?;
    if moved.known.prompt.published().count() > PUBLISHED_MAX {
        let detail =
            format!("{PUBLISHED_MAX} versions of a prompt are published at the most: retire one first");
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let change = moved.in_use(&call).await?;
    let of = (RecordKind::PromptInUse, None);
    let others = all(call.control.store.as_ref(), moved.entered.scope(), of).await?;
    let others = others.iter().filter(|record| record.id != moved.known.name);
    let own = match &change {
        Some(Change::Create(after) | Change::Replace { after, .. }) => after.document.len(),
        _ => 0,
    };
    if others
        .map(|record| record.document.len())
        .sum::<usize>()
        .saturating_add(own)
        > SAMPLES_BYTES_MAX
    {
        let detail = format!(
            "all that is published of a tenant has {SAMPLES_BYTES_MAX} bytes at the most: retire some"
        );
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    moved.done(&call, outcomes, change).await
}

/// `POST …/reject`.
pub async fn reject(call: Call, body: Review) -> Done {
    let mut moved = Moved::of(&call).await?;
    moved.step(&call, State::Rejected, note(&body)?).await?;
    moved.done(&call, Vec::new(), None).await
}

/// `POST …/retire`.
pub async fn retire(call: Call, _: Nothing) -> Done {
    let mut moved = Moved::of(&call).await?;
    let was_published = moved.was == State::Published;
    moved.step(&call, State::Retired, "").await?;
    let change = match was_published {
        true => moved.in_use(&call).await?,
        false => None,
    };
    moved.done(&call, Vec::new(), change).await
}

/// `DELETE …/prompts/{prompt}`: every version is retired; they stay to be read.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let mut known = Known::there(&call, &entered).await?;
    call.must_match(&known.tagged())?;
    let was = line(&known.name, Some(&known.prompt));
    let caller = call.caller()?;
    let step = Step {
        state: State::Retired,
        by: caller.id,
        name: caller.name.clone(),
        at: call.now,
        note: String::new(),
    };
    let mut any = false;
    for standing in known.prompt.versions.values_mut() {
        any |= standing.take(step.clone()).is_ok();
    }
    if !any {
        return Err(Problem::not_found().into());
    }
    let mut changes = vec![known.kept(&call, entered.tenant())?];
    changes.extend(in_use(&call, &entered, &known, &BTreeSet::new()).await?);
    let deed = Deed::removed(format!("prompts/{}", known.name), &was);
    call.done(&permitted, deed, changes, Answer::nothing()).await
}
