//! The Lambda function: wiring only.
#![recursion_limit = "256"]

use apropos_aws::{Deadline, Event, start_logs};
use apropos_score_offers::Handler;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    start_logs();
    let handler = Handler::from_env()?;
    let on = async |event: LambdaEvent<Event>| {
        let deadline = Deadline::at_millisecond(event.context.deadline);
        Ok::<_, lambda_runtime::Error>(handler.on(event.payload, deadline).await?)
    };
    lambda_runtime::run(service_fn(on)).await
}
