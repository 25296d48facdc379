//! Whose usage a caller sees: a whole tenant's, or that of the teams they may see it of.

use domain::{Permission, TeamId};
use policy::Resource;

use crate::call::{Call, Entered, Stop};

/// The teams that the answer is about; nothing is all of them. Refused if there is none.
// threat: AGP-E1
pub async fn teams(call: &Call, entered: &Entered) -> Result<Option<Vec<TeamId>>, Stop> {
    let tenant = entered.tenant();
    let of = |team| Resource::Usage { tenant, team };
    if let Some(team) = call.query_as::<TeamId>("team")? {
        call.permit(entered, of(Some(team))).await?;
        return Ok(Some(vec![team]));
    }
    if !call.might(Permission::UsageRead, of(None))? {
        let mut own = Vec::new();
        for team in call.names.teams(tenant) {
            if call.may(Permission::UsageRead, of(Some(team.id)))? {
                own.push(team.id);
            }
        }
        if !own.is_empty() {
            for team in &own {
                call.permit(entered, of(Some(*team))).await?;
            }
            return Ok(Some(own));
        }
    }
    call.permit(entered, of(None)).await?;
    Ok(None)
}
