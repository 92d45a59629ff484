//! The examples of docs/api.md, run as they stand: curl, buf, Python and the client.

use std::path::{Path, PathBuf};

use proto::identity::v1::{CreateApiKeyRequest, CreateApiKeyResponse};
use proto::orders::v1::PutChannelRequest;
use service::InternalTokens;
use suite::bulk::intake;
use time::OffsetDateTime;
use tokio::process::Command;

use crate::company::Company;

/// The fenced blocks of a document: language and text.
fn blocks(document: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((language.to_owned(), text.join("\n")));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

async fn shop_key(company: &Company) -> String {
    let channel = PutChannelRequest {
        code: "web".to_owned(),
        name: "Web shop".to_owned(),
        price_authoritative: true,
        prices_include_tax: true,
        ..PutChannelRequest::default()
    };
    intake::put_channel(&company.staff, &channel).await.unwrap();
    let request = CreateApiKeyRequest {
        name: "Examples".to_owned(),
        channel: "web".to_owned(),
        roles: vec!["shop".to_owned()],
        request_id: "examples".to_owned(),
        ..CreateApiKeyRequest::default()
    };
    let answer: CreateApiKeyResponse =
        company.staff.call("shopfloor.identity.v1.ApiKeyService/CreateApiKey", &request).await.unwrap();
    answer.secret
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_documentation_work_as_written() {
    let company = Company::start("RUB").await;
    company.stocked("DOCS-1", 50).await;
    let key = shop_key(&company).await;
    let tokens = InternalTokens::new("examples", &company.suite.home.secrets.internal_secret);
    let programs = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let tools = root().join(".tools");
    let path = format!(
        "{}:{}:{}:{}",
        programs.display(),
        tools.join("bin").display(),
        tools.join("venv/bin").display(),
        std::env::var("PATH").unwrap()
    );
    let document = std::fs::read_to_string(root().join("docs/api.md")).unwrap();
    let blocks = blocks(&document);
    assert!(
        blocks.iter().any(|(language, _)| language == "python") && blocks.len() >= 6,
        "the examples were not found"
    );

    // The shell blocks share one folder and their variables, as they would in a person's terminal.
    let scratch = std::env::temp_dir().join(format!("shopfloor-examples-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let mut script = String::from("set -euo pipefail\n");
    for (number, (language, text)) in blocks.iter().enumerate() {
        script.push_str(&format!("echo '== example {}'\n", number + 1));
        match language.as_str() {
            "sh" => script.push_str(&text.replace("/tmp/", &format!("{}/", scratch.display()))),
            "python" => {
                let file = scratch.join(format!("{number}.py"));
                std::fs::write(&file, text).unwrap();
                script.push_str(&format!("python {}", file.display()));
            }
            other => panic!("nobody runs {other} examples"),
        }
        script.push('\n');
    }
    let run = Command::new("bash")
        .arg("-c")
        .arg(script)
        .env("PATH", path)
        .env("SHOPFLOOR_HTTP", company.suite.http())
        .env("SHOPFLOOR_GRPC", format!("http://{}", company.suite.process.grpc))
        .env("SHOPFLOOR_KEY", key)
        .env("SHOPFLOOR_TOKEN", tokens.token(&["*"], OffsetDateTime::now_utc()).unwrap())
        .output()
        .await
        .unwrap();
    std::fs::remove_dir_all(&scratch).unwrap();
    assert!(
        run.status.success(),
        "the examples failed:\n{}\n{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    company.stop().await;
}
