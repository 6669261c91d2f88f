//! `record-telemetry` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(record_telemetry::handle)
}
