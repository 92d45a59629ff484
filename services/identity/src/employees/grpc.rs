//! The employee RPCs.

use std::sync::Arc;

use proto::identity::v1 as pb;
use proto::identity::v1::employee_service_server::EmployeeService;
use service::page::Page;
use service::{Caller, Check, Clock, Db, idempotency, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::commands::{self, Changes};
use super::domain::{Employee, MOST_ROLES, is_login, normalised_login};
use super::queries;
use crate::error::Error;
use crate::passwords::Passwords;
use crate::roles::{Catalogue, Grantor};
use crate::secret;
use crate::sign_in::sessions;

/// Answers the employee RPCs.
pub(crate) struct EmployeeApi {
    /// Database.
    pub(crate) db: Db,
    /// Clock.
    pub(crate) clock: Clock,
    /// All permissions.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Password workers.
    pub(crate) passwords: Passwords,
}

#[tonic::async_trait]
impl EmployeeService for EmployeeApi {
    async fn create_employee(
        &self,
        request: Request<pb::CreateEmployeeRequest>,
    ) -> Result<Response<pb::CreateEmployeeResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let (employee, request_id) = self.new_employee(&input).map_err(Status::from)?;
        let password = secret::one_time_password();
        let hash = self.passwords.hash(password.clone()).await?;
        self.create(&caller, &request_id, &input, employee, (password, hash)).await.map(Response::new)
    }

    async fn get_employee(
        &self,
        request: Request<pb::GetEmployeeRequest>,
    ) -> Result<Response<pb::GetEmployeeResponse>, Status> {
        let id = parse_id(&request.into_inner().employee_id)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let employee = queries::get(&mut conn, id).await.map_err(status::from_sqlx)?;
        let employee = employee.ok_or_else(|| status::not_found("employee", id))?;
        Ok(Response::new(pb::GetEmployeeResponse { employee: Some(employee.into()) }))
    }

    async fn list_employees(
        &self,
        request: Request<pb::ListEmployeesRequest>,
    ) -> Result<Response<pb::ListEmployeesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let role = check.optional_text("role", &request.role, 40);
        check.done().map_err(status::invalid)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, request.active_only, &role, page.after.as_deref(), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.login.clone());
        let employees = rows.into_iter().map(Into::into).collect();
        Ok(Response::new(pb::ListEmployeesResponse { employees, page: Some(info) }))
    }

    async fn update_employee(
        &self,
        request: Request<pb::UpdateEmployeeRequest>,
    ) -> Result<Response<pb::UpdateEmployeeResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let id = parse_id(&input.employee_id)?;
        let mut check = Check::new();
        check.require(input.version >= 0, "version", "must not be negative");
        let display_name = input.display_name.map(|name| check.text("display_name", &name, 1..=200));
        if let Some(locale) = &input.locale {
            check.require(is_locale(locale), "locale", "must be ru or en");
        }
        check.done().map_err(status::invalid)?;
        let changes = Changes { version: input.version, display_name, locale: input.locale, active: input.active };
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let employee = commands::update(&mut tx, &by, id, changes, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::UpdateEmployeeResponse { employee: Some(employee.into()) }))
    }

    async fn assign_role(
        &self,
        request: Request<pb::AssignRoleRequest>,
    ) -> Result<Response<pb::AssignRoleResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let (id, role) = (parse_id(&input.employee_id)?, parse_role(&input.role)?);
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let employee = commands::assign_role(&mut tx, &by, id, &role, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::AssignRoleResponse { employee: Some(employee.into()) }))
    }

    async fn remove_role(
        &self,
        request: Request<pb::RemoveRoleRequest>,
    ) -> Result<Response<pb::RemoveRoleResponse>, Status> {
        let caller = service::caller(&request)?;
        let input = request.into_inner();
        let (id, role) = (parse_id(&input.employee_id)?, parse_role(&input.role)?);
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let employee = commands::remove_role(&mut tx, &by, id, &role, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::RemoveRoleResponse { employee: Some(employee.into()) }))
    }

    async fn reset_password(
        &self,
        request: Request<pb::ResetPasswordRequest>,
    ) -> Result<Response<pb::ResetPasswordResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = parse_id(&request.into_inner().employee_id)?;
        let one_time_password = secret::one_time_password();
        let hash = self.passwords.hash(one_time_password.clone()).await?;
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        commands::reset_password(&mut tx, &by, id, &hash, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::ResetPasswordResponse { one_time_password }))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let id = parse_id(&request.into_inner().employee_id)?;
        let mut conn = self.db.acquire().await.map_err(status::from_sqlx)?;
        let sessions = sessions::live(&mut conn, id, self.clock.now()).await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::ListSessionsResponse { sessions: sessions.into_iter().map(Into::into).collect() }))
    }

    async fn revoke_sessions(
        &self,
        request: Request<pb::RevokeSessionsRequest>,
    ) -> Result<Response<pb::RevokeSessionsResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = parse_id(&request.into_inner().employee_id)?;
        let by = Grantor { caller, catalogue: Arc::clone(&self.catalogue) };
        let mut tx = self.db.begin().await.map_err(status::from_sqlx)?;
        let revoked = commands::revoke_sessions(&mut tx, by.id(), id, self.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(pb::RevokeSessionsResponse { revoked: i32::try_from(revoked).unwrap_or(i32::MAX) }))
    }
}

impl EmployeeApi {
    fn new_employee(&self, input: &pb::CreateEmployeeRequest) -> Result<(Employee, String), Error> {
        let mut check = Check::new();
        let request_id = check.request_id(&input.request_id);
        let login = normalised_login(&input.login);
        check.require(
            is_login(&login),
            "login",
            "must be 2 to 64 of a-z 0-9 . _ - @ + and begin with a letter or digit",
        );
        let display_name = check.text("display_name", &input.display_name, 1..=200);
        let locale = if input.locale.is_empty() { "ru".to_owned() } else { input.locale.clone() };
        check.require(is_locale(&locale), "locale", "must be ru or en");
        check.len("roles", input.roles.len(), 0..=MOST_ROLES);
        for (index, role) in input.roles.iter().enumerate() {
            check.text(&format!("roles[{index}]"), role, 2..=40);
        }
        check.done().map_err(Error::Invalid)?;
        let employee = Employee {
            id: service::new_id(),
            login,
            display_name,
            locale,
            active: true,
            must_change_password: true,
            version: 1,
            created_at: self.clock.now(),
            last_sign_in_at: None,
            roles: input.roles.clone(),
        };
        Ok((employee, request_id))
    }

    async fn create(
        &self,
        caller: &Caller,
        request_id: &str,
        input: &pb::CreateEmployeeRequest,
        employee: Employee,
        (password, hash): (String, String),
    ) -> Result<pb::CreateEmployeeResponse, Status> {
        const METHOD: &str = "CreateEmployee";
        let done = idempotency::once(&self.db, (&caller.id, METHOD, request_id), input, async |tx| {
            let by = Grantor { caller: caller.clone(), catalogue: Arc::clone(&self.catalogue) };
            let employee = commands::create(tx, &by, employee, &hash, self.clock.now()).await?;
            // Kept without the password: an answer that is stored must hold no secret.
            Ok(pb::CreateEmployeeResponse { employee: Some(employee.into()), one_time_password: String::new() })
        })
        .await?;
        // A repeat cannot have it: nobody knows it any more.
        let one_time_password = if done.repeated { String::new() } else { password };
        Ok(pb::CreateEmployeeResponse { one_time_password, ..done.answer })
    }
}

fn parse_id(text: &str) -> Result<Uuid, Status> {
    let mut check = Check::new();
    let id = check.uuid("employee_id", text);
    check.done().map_err(status::invalid)?;
    Ok(id)
}

fn parse_role(text: &str) -> Result<String, Status> {
    let mut check = Check::new();
    let role = check.text("role", text, 2..=40);
    check.done().map_err(status::invalid)?;
    Ok(role)
}

fn is_locale(text: &str) -> bool {
    matches!(text, "ru" | "en")
}
