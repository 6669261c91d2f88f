//! The cost of listing, reading and making connections in an environment with few or many of them.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use jiff::SignedDuration;
use session::connection::{Connection, ConnectionId};
use session::integration::IntegrationKey;
use session::secret_key::SecretKey;
use tables::connection_item::from_connection;
use tables::error::StoreError;
use uuid::Uuid;

use crate::Failure;
use crate::dynamodb::Counts;
use crate::functions::{self, Function};
use crate::measure;
use crate::plot::{Series, plot};
use crate::process::Process;
use crate::world::{CONNECTED, CONNECTING_KEY, World, event_at};

/// Numbers of connections in the environment.
const CONNECTIONS: [usize; 3] = [1, 1_000, 100_000];

/// The measured operations.
const REQUESTS: [&str; 3] = ["list 100", "read one", "make one"];

/// The most items of one `BatchWriteItem` (AWS, "Service, account, and table quotas").
const WRITTEN_AT_ONCE: usize = 25;

/// A table with a line for each function and number of connections, and the plot of the
/// instructions.
pub fn measure(target: &Path) -> Result<(String, String), Failure> {
    let world = World::start(&["github".to_owned()])?;
    let [authorize, read, ..] = functions::sealing(&world, target)?;
    let list = target.join("release/list-connections");
    let uri = "/connections?limit=100";
    let list_event = event_at("GET /connections", uri, &[], Some(CONNECTING_KEY), None)?;
    let made = Fill::new(&world, &read)?;

    let mut text = String::from(
        "| warm request | connections | instructions, k | DynamoDB calls | write units | \
         read units | answer, bytes |\n|---|--:|--:|---|--:|--:|--:|\n",
    );
    let mut lines = REQUESTS.map(|name| Series { name, points: Vec::new() });
    let measured =
        [(&list, &list_event), (&read.binary, &read.event), (&authorize.binary, &authorize.event)];
    let mut there = 1;
    for count in CONNECTIONS {
        made.fill(&world, there..count)?;
        there = count;
        for (line, (binary, event)) in lines.iter_mut().zip(measured) {
            let program = world.program(std::slice::from_ref(binary));
            let (counts, answer_bytes) = warm(&world, &Process::start(&program)?, event)?;
            world.endpoint.replay(true);
            let instructions = measure::instructions_of_one(&world, &program, event, [11, 31])?;
            let thousands = instructions.in_units_of(1e3);
            line.points.push((count as f64, thousands.value));
            world.endpoint.replay(false);
            let Counts { calls, write_units, read_units, .. } = counts;
            let calls = calls.join(", ");
            let _ = writeln!(
                text,
                "| {} | {count} | {thousands:.0} | {calls} | {write_units} | {read_units} | \
                 {answer_bytes} |",
                line.name
            );
        }
    }
    Ok((text, plot("instructions of a warm request, thousands, by connections", &lines)))
}

/// What crosses the wire for a request to a warm function, and the length of its answer.
fn warm(world: &World, process: &Process, event: &str) -> Result<(Counts, usize), Failure> {
    process.api.invoke(event)?;
    world.endpoint.counts();
    let (answer, _) = process.api.invoke(event)?;
    Ok((world.endpoint.counts(), answer.len()))
}

/// Makes connections that are copies of an existing one.
struct Fill {
    environment: Uuid,
    template: Connection,
}

impl Fill {
    /// A copy of the connection that `read` reads.
    fn new(world: &World, read: &Function) -> Result<Self, Failure> {
        let process = Process::start(&world.program(std::slice::from_ref(&read.binary)))?;
        let (answer, _) = process.api.invoke(&read.event)?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        let body = answer["body"].as_str().ok_or("no body")?;
        let body: serde_json::Value = serde_json::from_str(body)?;
        let id = body["connection_id"].as_str().and_then(ConnectionId::parse).ok_or("no id")?;
        let key = IntegrationKey::parse(CONNECTED).ok_or("no key")?;
        let hash = SecretKey::parse(CONNECTING_KEY).map_err(|_| "no secret key")?.hash();
        let tables = world.tables();
        world.wait(async {
            let key_of_environment =
                tables.secret_key(&hash).await.map_err(|error| failed(&error))?;
            let environment = key_of_environment.ok_or("no key")?.environment_id;
            let template =
                tables.connection(environment, &key, &id).await.map_err(|error| failed(&error))?;
            Ok(Self { environment, template: template.ok_or("no connection")? })
        })
    }

    /// Each a second older than the one before.
    fn fill(&self, world: &World, numbers: Range<usize>) -> Result<(), Failure> {
        let table = &world.settings().tables.connections;
        let numbers: Vec<_> = numbers.collect();
        for some in numbers.chunks(WRITTEN_AT_ONCE) {
            let writes = some.iter().map(|&number| self.write(number));
            let writes = writes.collect::<Result<Vec<_>, _>>()?;
            let request = world.client.batch_write_item().request_items(table, writes);
            let written = world.wait(async { Ok(request.send().await?) })?;
            if written.unprocessed_items.is_some_and(|left| !left.is_empty()) {
                return Err("not all connections are written".into());
            }
            if some.iter().any(|number| number % 10_000 == 0) {
                eprintln!("{} connections are there", some.first().copied().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn write(&self, number: usize) -> Result<WriteRequest, Failure> {
        let id = Uuid::from_u128(number as u128).to_string();
        let age = SignedDuration::from_secs(i64::try_from(number)?);
        let connection = Connection {
            number: number as u64,
            connection_id: ConnectionId::parse(&id).ok_or("no id")?,
            created_at: self.template.created_at - age,
            ..self.template.clone()
        };
        let item = from_connection(self.environment, connection).map_err(|error| failed(&error))?;
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        Ok(WriteRequest::builder().put_request(put).build())
    }
}

fn failed(error: &StoreError) -> Failure {
    format!("{error:?}").into()
}
