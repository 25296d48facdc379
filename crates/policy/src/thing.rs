//! What is asked about beside models: where the content of a call may go, and what is to come. Each has its own
//! action and its own kind of entity.

use std::sync::Arc;

use cedar_policy::{Entity, EntityTypeName, EntityUid};
use domain::TenantId;

use crate::Question;
use crate::entities::{Attribute, Failure, entity, flag, text, uid};

/// Where the content of a call would go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The provider, by its name in the configuration.
    pub provider: Arc<str>,
    /// The model, by the provider's own name.
    pub model: String,
    /// Where the provider keeps and computes.
    pub region: Option<String>,
    /// Whether it runs on the house's own machines.
    pub self_hosted: bool,
}

/// What is asked about, where it is not the model itself. Of these the gate asks about targets only.
#[derive(Debug, Clone, Copy)]
pub enum Thing<'a> {
    /// May the call's content go there?
    Target(&'a Place),
    /// May its tools be listed?
    McpServer(&'a str),
    /// May it be called?
    Tool {
        /// Whose it is.
        server: &'a str,
        /// What it is called there.
        name: &'a str,
    },
    /// May it be sent a message?
    Agent(&'a str),
    /// May it be used?
    Template(&'a str),
}

/// The kinds of entities, parsed once.
#[derive(Debug)]
pub struct Kinds {
    target: EntityTypeName,
    server: EntityTypeName,
    tool: EntityTypeName,
    agent: EntityTypeName,
    template: EntityTypeName,
}

impl Kinds {
    /// Parses them.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            target: "Target".parse()?,
            server: "McpServer".parse()?,
            tool: "Tool".parse()?,
            agent: "Agent".parse()?,
            template: "Template".parse()?,
        })
    }

    /// The entity's id. It begins with the owner's: two tenants may call different things by one name.
    pub fn uid(&self, thing: Thing<'_>, owner: TenantId) -> EntityUid {
        let (kind, id) = match thing {
            Thing::Target(place) => (
                &self.target,
                format!("{owner}/{}/{}", place.provider, place.model),
            ),
            Thing::McpServer(name) => return self.server(name, owner),
            Thing::Tool { server, name } => (&self.tool, format!("{owner}/{server}/{name}")),
            Thing::Agent(name) => (&self.agent, format!("{owner}/{name}")),
            Thing::Template(name) => (&self.template, format!("{owner}/{name}")),
        };
        uid(kind, id)
    }

    /// The entity, and that of the server of a tool.
    pub fn entities(
        &self,
        thing: Thing<'_>,
        question: &Question<'_>,
        tenant: EntityUid,
    ) -> Result<Vec<Entity>, Failure> {
        let own = self.uid(thing, question.owner);
        let named = |name: &str, parent| entity(own.clone(), [text("name", name)], [parent]);
        Ok(match thing {
            Thing::Target(place) => vec![entity(own, target(place, question), [tenant])?],
            Thing::McpServer(name) | Thing::Agent(name) | Thing::Template(name) => {
                vec![named(name, tenant)?]
            }
            Thing::Tool { server, name } => {
                let parent = self.server(server, question.owner);
                let attributes = [text("name", name), text("server", server)];
                vec![
                    entity(own, attributes, [parent.clone()])?,
                    entity(parent, [text("name", server)], [tenant])?,
                ]
            }
        })
    }

    fn server(&self, name: &str, owner: TenantId) -> EntityUid {
        uid(&self.server, format!("{owner}/{name}"))
    }
}

impl Thing<'_> {
    /// What is asked of it.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Target(_) => SEND,
            Self::McpServer(_) => "list_tools",
            Self::Tool { .. } => "call_tool",
            Self::Agent(_) => "send_message",
            Self::Template(_) => "use_template",
        }
    }

    /// What the context calls the operation: of a target, the call's own.
    pub fn operation(self, of_call: &'static str) -> &'static str {
        match self {
            Self::Target(_) => of_call,
            other => other.action(),
        }
    }
}

/// The action that is asked of targets.
pub const SEND: &str = "send";

fn target(place: &Place, question: &Question<'_>) -> Vec<Attribute> {
    let mut attributes = vec![
        text("name", question.model.unwrap_or_default()),
        text("provider", &place.provider),
        text("model", &place.model),
        flag("self_hosted", place.self_hosted),
    ];
    attributes.extend(place.region.as_deref().map(|region| text("region", region)));
    attributes
}
