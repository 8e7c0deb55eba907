//! The Lambda function: wiring only.
#![recursion_limit = "256"]

use apropos_aws::{Deadline, Event, start_logs};
use apropos_record_feedback::Settings;
use lambda_runtime::{LambdaEvent, service_fn};
use tokio::sync::OnceCell;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logs();
    let settings = Settings::from_env()?;
    let handler = OnceCell::new();
    let on = async |event: LambdaEvent<Event>| {
        let handler = handler.get_or_try_init(|| settings.handler()).await?;
        let deadline = Deadline::at_millisecond(event.context.deadline);
        Ok::<_, lambda_runtime::Error>(handler.on(event.payload, deadline).await?)
    };
    lambda_runtime::run(service_fn(on)).await
}
