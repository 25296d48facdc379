//! Versions of policies: stored once they are checked and their tests pass, tried out beside those in force, put
//! in force, and taken back. They are of the whole instance.

mod judged;
mod view;

use domain::TenantId;
use policy::Resource;
use store::{Change, StoreError};

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::page::Page;
use crate::problem::{Code, Problem};
use crate::record::Document;
use crate::versions::{self, Activated, Approved, Standing, Version};

use judged::{leaves_a_way_back, tried};
use view::plane;
pub use view::{DifferencesView, NewVersion, OfPlane, VersionLine, VersionText};

/// Where versions are asked about: the platform's own policies.
const RESOURCE: Resource = Resource::Policies {
    tenant: TenantId::PLATFORM,
};

async fn found(call: &Call) -> Result<Version, Problem> {
    let number: u64 = call.id("version")?;
    match versions::version(call.control.store.as_ref(), number).await {
        Err(StoreError::NotFound) => Err(Problem::not_found()),
        found => Ok(found?),
    }
}

/// Leave to act on the platform's own policies.
async fn permitted(call: &Call) -> Result<(Entered, Permitted), Stop> {
    let entered = call.platform()?;
    let permitted = call.permit(&entered, RESOURCE).await?;
    Ok((entered, permitted))
}

fn by(call: &Call, permitted: &Permitted) -> Result<Activated, Problem> {
    let caller = call.caller()?;
    let approval = permitted.approval().and_then(|approval| {
        let decided = approval.decided.as_ref()?;
        Some(Approved {
            id: approval.id,
            by: decided.by,
            name: decided.name.clone(),
        })
    });
    Ok(Activated {
        by: caller.id,
        name: caller.name.clone(),
        at: call.now,
        approval,
    })
}

/// The change from one standing to another: made only if nobody else made one meanwhile.
fn replaced(before: Option<store::Record>, after: &Standing) -> Result<Change, Problem> {
    let after = after.to_record()?;
    Ok(match before {
        Some(before) => Change::Replace { before, after },
        None => Change::Create(after),
    })
}

/// `GET …/policies/versions`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, _) = permitted(&call).await?;
    let standing = versions::standing(call.control.store.as_ref()).await?;
    let line = |version: Version| VersionLine::of(&version, &standing);
    let page: Page<VersionLine> = call
        .page_of_records(&entered, call.query("plane"), |_: &Version| Ok(true), line)
        .await?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/policies/versions`.
pub async fn create(call: Call, body: NewVersion) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let (plane, texts, reason, commit) = body.read()?;
    tried(&call, plane, Some(texts.clone())).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    if record.is_none() {
        standing.created = call.now;
    }
    standing.last += 1;
    let caller = call.caller()?;
    let version = Version {
        number: standing.last,
        plane,
        texts,
        author: caller.id,
        author_name: caller.name.clone(),
        reason,
        commit,
        created: call.now,
    };
    let view = VersionText::of(&version, &standing);
    let at = format!("/api/v1/policies/versions/{}", version.number);
    let changes = vec![Change::Create(version.to_record()?), replaced(record, &standing)?];
    let deed = Deed::made(format!("policies/{}", version.number), &view);
    call.done(&permitted, deed, changes, Answer::created(&view.version, at)?)
        .await
}

/// `GET …/policies/versions/{version}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    permitted(&call).await?;
    let version = found(&call).await?;
    let standing = versions::standing(call.control.store.as_ref()).await?;
    Ok(Answer::view(&VersionText::of(&version, &standing))?)
}

/// `POST …/policies/versions/{version}/activate`.
// threat: ANP-0002
pub async fn activate(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state == "active" {
        return Err(Problem::new(Code::Conflict, "this version is in force already").into());
    }
    if let Some(desk) = tried(&call, version.plane, Some(version.texts.clone())).await? {
        leaves_a_way_back(&call, &desk).await?;
    }
    standing
        .of_mut(version.plane)
        .activate(version.number, by(&call, &permitted)?);
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `POST …/policies/rollback`.
pub async fn rollback(call: Call, body: OfPlane) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let plane = plane(&body.plane)?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let Some(active) = standing.of(plane).active else {
        return Err(Problem::new(
            Code::Conflict,
            "no version is in force: there is nothing to take back",
        )
        .into());
    };
    let version = versions::version(call.control.store.as_ref(), active).await?;
    let before = VersionLine::of(&version, &standing);
    if !standing.of_mut(plane).roll_back(by(&call, &permitted)?) {
        return Err(Problem::new(Code::Conflict, "what was in force before is not known any more").into());
    }
    let texts = match standing.of(plane).active {
        Some(number) => Some(
            versions::version(call.control.store.as_ref(), number)
                .await?
                .texts,
        ),
        None => None,
    };
    if let Some(desk) = tried(&call, plane, texts).await? {
        leaves_a_way_back(&call, &desk).await?;
    }
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `POST …/policies/versions/{version}/shadow`.
pub async fn shadow(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state == "active" {
        return Err(Problem::new(Code::Conflict, "this version is in force already").into());
    }
    tried(&call, version.plane, Some(version.texts.clone())).await?;
    standing.of_mut(version.plane).shadow = Some(version.number);
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `DELETE …/policies/versions/{version}/shadow`.
pub async fn end_shadow(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state != "shadow" {
        return Err(Problem::new(Code::Conflict, "this version is not tried out").into());
    }
    standing.of_mut(version.plane).shadow = None;
    done(&call, &permitted, (record, standing), (version, before)).await
}

async fn done(
    call: &Call,
    permitted: &Permitted,
    (record, standing): (Option<store::Record>, Standing),
    (version, before): (Version, VersionLine),
) -> Done {
    let view = VersionLine::of(&version, &standing);
    let deed = Deed::changed(format!("policies/{}", version.number), &before, &view);
    let changes = vec![replaced(record, &standing)?];
    call.done(permitted, deed, changes, Answer::view(&view)?).await
}

/// `GET …/policies/versions/{version}/differences`.
pub async fn differences(call: Call, _: Nothing) -> Done {
    permitted(&call).await?;
    let version = found(&call).await?;
    let found = call.control.rules.differences().of(version.plane, version.number);
    Ok(Answer::view(&DifferencesView::of(version.number, found))?)
}
