//! What the soak starts in the place of a CLI: it finds the broker as Claude Code or Codex does, and uses it well or badly.

use std::io;
use std::time::Duration;

use serde_json::json;

use crate::http::{Connection, Target};
use crate::report;

const BODY_BYTES: usize = 8 * 1024;

/// A refusal has to come by then.
const REFUSED_WITHIN: Duration = Duration::from_secs(60);

/// What the start adds stands before or behind the caller's arguments.
pub fn scenario<'a>(words: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let at = words.iter().position(|word| *word == "agent")?;
    words.get(at + 1..at + 3)
}

/// Runs one scenario, and ends with an error if the broker did not do its part.
pub async fn run(words: &[&str], [what, count]: [&str; 2]) -> io::Result<()> {
    let (target, path) = broker(words)?;
    let count: u32 = count.parse().map_err(io::Error::other)?;
    match what {
        "stream" => {
            let mut connection = target.connect().await?;
            for _ in 0..count {
                ask(&mut connection, &target.request(path, "events 1000 20", BODY_BYTES)).await?;
            }
            Ok(())
        }
        "abort" => {
            for _ in 0..count {
                let mut connection = target.connect().await?;
                connection.send(&target.request(path, "events 1000 1000000", BODY_BYTES)).await?;
                // Goes away within the answer.
                connection.read(|_| false).await?;
            }
            Ok(())
        }
        "hang" => {
            let mut connection = target.connect().await?;
            connection.send(&target.request(path, "events 1000 1000000", BODY_BYTES)).await?;
            let mut is_first = true;
            connection
                .read(|_| {
                    if std::mem::take(&mut is_first) {
                        report(&json!({ "state": "streaming" }));
                    }
                    true
                })
                .await
        }
        "reset" => {
            for _ in 0..count {
                let mut connection = target.connect().await?;
                if ask(&mut connection, &target.request(path, "reset 10", BODY_BYTES)).await.is_ok() {
                    return Err(io::Error::other("an answer that broke off came whole"));
                }
                let mut connection = target.connect().await?;
                ask(&mut connection, &target.request(path, "small", BODY_BYTES)).await?;
            }
            Ok(())
        }
        "until-refused" => tokio::time::timeout(REFUSED_WITHIN, until_refused(&target, path)).await?,
        _ => Err(io::Error::other("no such scenario")),
    }
}

async fn ask(connection: &mut Connection, request: &[u8]) -> io::Result<()> {
    connection.send(request).await?;
    connection.read(|_| true).await
}

/// Asks until the broker refuses, by a status that its CLI does not try again after.
async fn until_refused(target: &Target, path: &str) -> io::Result<()> {
    let request = target.request(path, "small", BODY_BYTES);
    let mut is_first = true;
    loop {
        let mut connection = target.connect().await?;
        match ask(&mut connection, &request).await {
            Ok(()) if std::mem::take(&mut is_first) => report(&json!({ "state": "streaming" })),
            Ok(()) => {}
            Err(error) if ["status 400", "status 403"].contains(&error.to_string().as_str()) => return Ok(()),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Where the start says that the broker is: by variables as Claude Code reads them, or by arguments as Codex does.
fn broker(words: &[&str]) -> io::Result<(Target, &'static str)> {
    if let Ok(socket) = std::env::var("ANTHROPIC_UNIX_SOCKET") {
        return Ok((Target::of(&format!("unix {socket} -")), "/v1/messages"));
    }
    let base = words.iter().find_map(|word| word.strip_prefix("openai_base_url=\"http://")?.strip_suffix("/v1\""));
    let token = std::env::var("CODEX_API_KEY").map_err(io::Error::other)?;
    let base = base.ok_or_else(|| io::Error::other("no argument says where the broker is"))?;
    Ok((Target::of(&format!("tcp {base} {token}")), "/v1/responses"))
}
