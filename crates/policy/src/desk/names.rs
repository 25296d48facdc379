//! The schema's entity types, parsed once. Knows nothing of what they mean.

use cedar_policy::EntityTypeName;

use crate::entities::Failure;

macro_rules! names {
    ($($field:ident = $name:literal;)*) => {
        /// The schema's entity types.
        #[derive(Debug)]
        pub struct Names {
            $(pub $field: EntityTypeName,)*
        }

        impl Names {
            /// Parses them.
            pub fn new() -> Result<Self, Failure> {
                Ok(Self { $($field: $name.parse()?,)* })
            }
        }
    };
}

names! {
    action = "Action";
    actor = "Actor";
    approval = "Approval";
    audit_log = "AuditLog";
    budget = "Budget";
    configuration = "Configuration";
    grant = "Grant";
    level = "Level";
    models = "Models";
    platform = "Platform";
    policies = "Policies";
    posture = "Posture";
    project = "Project";
    reach = "Reach";
    role = "Role";
    service = "ServiceAccount";
    session = "Session";
    settings = "Settings";
    team = "Team";
    tenant = "Tenant";
    token = "ServiceToken";
    usage = "Usage";
    user = "User";
    key = "VirtualKey";
}
