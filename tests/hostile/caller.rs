//! Calls any RPC by its descriptor, and looks at what it left behind.

use std::time::Duration;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use proto::DynamicCodec;
use service::CallerKind;
use sqlx::AssertSqlSafe;
use testkit::TestService;
use tonic::{
    Code, Request, Status,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};

/// A service under siege.
pub(crate) struct Target {
    channel: Channel,
    /// A token that may do everything.
    pub(crate) administrator: String,
}

impl Target {
    pub(crate) async fn new(app: &TestService) -> Self {
        let channel = Endpoint::new(app.url.clone()).unwrap().connect().await.unwrap();
        // A UUID, because that is what identity gives employees as their subject.
        let id = "019cadd8-0000-7000-8000-00000000ad01";
        Self { channel, administrator: testkit::token(id, CallerKind::Employee, &["administrator"], &["*"], None) }
    }

    /// The status of a call; of a stream, of its first answer.
    pub(crate) async fn call(&self, method: &MethodDescriptor, message: DynamicMessage, token: Option<&str>) -> Status {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path: PathAndQuery = path.parse().unwrap();
        let codec = DynamicCodec::new(method.output());
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let messages = futures::stream::iter([message]);
        let mut request = Request::new(messages);
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request.set_timeout(Duration::from_secs(20));
        match grpc.streaming(request, path, codec).await {
            Err(status) => status,
            Ok(answers) => {
                let mut answers = answers.into_inner();
                // A stream may stay silent as long as nothing happens.
                match tokio::time::timeout(Duration::from_millis(300), answers.message()).await {
                    Ok(Err(status)) => status,
                    _ => Status::new(Code::Ok, ""),
                }
            }
        }
    }

    /// What is wrong with how an RPC treats strangers.
    pub(crate) async fn doors(&self, method: &MethodDescriptor) -> Vec<String> {
        let need = need(method);
        if need == "public" {
            return Vec::new();
        }
        let nobody = testkit::token("nobody", CallerKind::Employee, &[], &["other.thing.read"], None);
        let forged = {
            let mut parts: Vec<&str> = self.administrator.split('.').collect();
            let other = testkit::token("other", CallerKind::Employee, &[], &[], None);
            let signature = other.split('.').nth(2).unwrap().to_owned();
            parts[2] = &signature;
            parts.join(".")
        };
        let mut tries = vec![
            ("no token", None, Code::Unauthenticated),
            ("a forged token", Some(forged.as_str()), Code::Unauthenticated),
            ("garbage", Some("garbage"), Code::Unauthenticated),
        ];
        if need != "authenticated" {
            tries.push(("a token without the permission", Some(nobody.as_str()), Code::PermissionDenied));
        }
        let mut faults = Vec::new();
        for (what, token, expected) in tries {
            let status = self.call(method, DynamicMessage::new(method.input()), token).await;
            if status.code() != expected {
                faults.push(format!("{} with {what}: {:?}", method.full_name(), status.code()));
            }
        }
        faults
    }
}

/// What the proto file says an RPC needs.
pub(crate) fn need(method: &MethodDescriptor) -> String {
    let option = proto::descriptor_pool().get_extension_by_name("shopfloor.options.v1.permission").unwrap();
    method.options().get_extension(&option).as_str().unwrap_or_default().to_owned()
}

/// Tables a refused call may leave a row in, each with the reason.
const RECORDS_OF_ATTEMPTS: [&str; 1] = [
    // Wrong passwords are counted, so that the next ones can be slowed.
    "public.sign_in_attempt",
];

/// A number for the content of all tables.
pub(crate) async fn fingerprint(app: &TestService) -> Vec<(String, i64, i64)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema') order by 1",
    )
    .fetch_all(app.db.pool())
    .await
    .unwrap();
    let union: Vec<String> = tables
        .iter()
        .filter(|table| !RECORDS_OF_ATTEMPTS.contains(&table.as_str()))
        .map(|table| {
            format!("select '{table}' as name, count(*), coalesce(sum(hashtextextended(t::text, 0) % 1000000007), 0)::int8 from {table} t")
        })
        .collect();
    sqlx::query_as(AssertSqlSafe(union.join(" union all "))).fetch_all(app.db.pool()).await.unwrap()
}
