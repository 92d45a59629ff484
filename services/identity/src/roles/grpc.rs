//! The role RPCs.

use std::collections::BTreeSet;
use std::sync::Arc;

use proto::identity::v1 as pb;
use proto::identity::v1::role_service_server::RoleService;
use service::{Check, Clock, Db, status};
use tonic::{Request, Response, Status};

use super::commands;
use super::domain::{Catalogue, Grantor, Role, is_code};
use super::store;
use crate::error::Error;

/// Answers the role RPCs.
pub(crate) struct RoleApi {
    /// Database.
    pub(crate) db: Db,
    /// Clock.
    pub(crate) clock: Clock,
    /// All permissions.
    pub(crate) catalogue: Arc<Catalogue>,
}

#[tonic::async_trait]
impl RoleService for RoleApi {
    async fn list_roles(&self, _: Request<pb::ListRolesRequest>) -> Result<Response<pb::ListRolesResponse>, Status> {
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let roles = store::list(&mut conn).await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::ListRolesResponse { roles: roles.into_iter().map(to_proto).collect() }))
    }

    async fn list_permissions(
        &self,
        _: Request<pb::ListPermissionsRequest>,
    ) -> Result<Response<pb::ListPermissionsResponse>, Status> {
        let permissions = self
            .catalogue
            .iter()
            .map(|(permission, methods)| pb::Permission { permission: permission.clone(), methods: methods.clone() })
            .collect();
        Ok(Response::new(pb::ListPermissionsResponse { permissions }))
    }

    async fn create_role(
        &self,
        request: Request<pb::CreateRoleRequest>,
    ) -> Result<Response<pb::CreateRoleResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let role = checked(&input.code, &input.title, &input.permissions, 1).map_err(Status::from)?;
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let role = commands::create(&mut tx, &by, role, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::CreateRoleResponse { role: Some(to_proto(role)) }))
    }

    async fn update_role(
        &self,
        request: Request<pb::UpdateRoleRequest>,
    ) -> Result<Response<pb::UpdateRoleResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let role = checked(&input.code, &input.title, &input.permissions, input.version).map_err(Status::from)?;
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let role = commands::update(&mut tx, &by, role, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::UpdateRoleResponse { role: Some(to_proto(role)) }))
    }

    async fn delete_role(
        &self,
        request: Request<pb::DeleteRoleRequest>,
    ) -> Result<Response<pb::DeleteRoleResponse>, Status> {
        let caller = service::caller(&request)?;
        let code = request.into_inner().code;
        if !is_code(&code) {
            return Err(Error::NotFound { kind: "role", id: code.chars().take(40).collect() }.into());
        }
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        commands::delete(&mut tx, &by, &code, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::DeleteRoleResponse {}))
    }
}

fn checked(code: &str, title: &str, permissions: &[String], version: i64) -> Result<Role, Error> {
    let mut check = Check::new();
    check.require(is_code(code), "code", "must be 2 to 40 of a-z 0-9 _ and begin with a letter");
    let title = check.text("title", title, 1..=200);
    check.len("permissions", permissions.len(), 1..=500);
    check.require(version >= 0, "version", "must not be negative");
    check.done().map_err(Error::Invalid)?;
    let permissions = permissions.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Role { code: code.to_owned(), title, permissions, built_in: false, version })
}

fn to_proto(role: Role) -> pb::Role {
    pb::Role {
        code: role.code,
        title: role.title,
        permissions: role.permissions,
        built_in: role.built_in,
        version: role.version,
    }
}
