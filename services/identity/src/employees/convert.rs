//! Employees and sessions as messages.

use proto::identity::v1 as pb;

use super::domain::Employee;
use crate::sign_in::sessions::Session;

impl From<Employee> for pb::Employee {
    fn from(employee: Employee) -> Self {
        Self {
            employee_id: employee.id.to_string(),
            login: employee.login,
            display_name: employee.display_name,
            locale: employee.locale,
            active: employee.active,
            roles: employee.roles,
            must_change_password: employee.must_change_password,
            version: employee.version,
            created_at: Some(proto::to_timestamp(employee.created_at)),
            last_sign_in_at: employee.last_sign_in_at.map(proto::to_timestamp),
        }
    }
}

impl From<Session> for pb::Session {
    fn from(session: Session) -> Self {
        Self {
            session_id: session.id.to_string(),
            created_at: Some(proto::to_timestamp(session.created_at)),
            last_used_at: Some(proto::to_timestamp(session.last_used_at)),
            expires_at: Some(proto::to_timestamp(session.expires_at)),
            source: session.source,
        }
    }
}
