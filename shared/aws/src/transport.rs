//! The HTTP client under the SDK's: one for all of a function's clients, made when a request first needs it.
//!
//! The SDK's own loads every certificate that the system trusts, once for each client, before the first event: nine
//! tenths of such a function's start. AWS's endpoints are all signed by Amazon Trust Services, so its five roots are
//! enough, and trusting nobody else is the stricter choice (`roots/README.md`). It also brings HTTP/2 and a second
//! cryptography library into every bootstrap, a third of its size, where the services that we call speak HTTP/1.1. So
//! this is the same stack below (`hyper`, `rustls`) without those parts.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector as SdkConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, Connect, HttpConnector, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::error::Elapsed;
use tower_service::Service;

/// Amazon Trust Services: whoever signs an AWS endpoint is signed by one of these.
const AMAZON_ROOTS: [&str; 5] = [
    include_str!("roots/amazon_root_ca_1.pem"),
    include_str!("roots/amazon_root_ca_2.pem"),
    include_str!("roots/amazon_root_ca_3.pem"),
    include_str!("roots/amazon_root_ca_4.pem"),
    include_str!("roots/starfield_services_root_g2.pem"),
];

/// How long making a connection may take, from the name to the end of TLS; the SDK's own figure. Connections are shared,
/// so it is the same for all clients.
const CONNECT: Duration = Duration::from_millis(3_100);

/// An HTTP client for the SDK that trusts Amazon's roots, or those of a bundle of certificates in PEM in their place.
pub(crate) fn http_client(bundle: Option<String>) -> SharedHttpClient {
    SharedHttpClient::new(Transport(Arc::new(Connectors {
        bundle,
        plain: OnceLock::new(),
        secure: OnceLock::new(),
    })))
}

#[derive(Debug, Clone)]
struct Transport(Arc<Connectors>);

/// A loopback endpoint never makes TLS, and a function that has not been asked anything makes nothing.
#[derive(Debug)]
struct Connectors {
    bundle: Option<String>,
    plain: OnceLock<Over<HttpConnector>>,
    secure: OnceLock<Result<Over<HttpsConnector<HttpConnector>>, String>>,
}

type Over<C> = Client<Bounded<C>, SdkBody>;

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl SdkConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connectors = &*self.0;
        if request.uri().starts_with("http:") {
            return send(connectors.plain.get_or_init(|| client(HttpConnector::new())), request);
        }
        let secure = connectors
            .secure
            .get_or_init(|| Ok(client(https(connectors.bundle.as_deref())?)));
        match secure {
            Ok(client) => send(client, request),
            Err(problem) => HttpConnectorFuture::ready(Err(ConnectorError::user(problem.as_str().into()))),
        }
    }
}

fn client<C: Clone>(connector: C) -> Over<C>
where
    Bounded<C>: Connect,
{
    // The timer is what lets go of idle connections.
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(Bounded(connector))
}

fn https(bundle: Option<&str>) -> Result<HttpsConnector<HttpConnector>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(bundle)?)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http1()
        .build())
}

fn roots(bundle: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let trusted = bundle.map_or_else(|| AMAZON_ROOTS.to_vec(), |bundle| vec![bundle]);
    for pem in trusted {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    Ok(roots)
}

fn send<C>(client: &Client<C, SdkBody>, request: HttpRequest) -> HttpConnectorFuture
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let mut request = match request.try_into_http1x() {
        Ok(request) => request,
        Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
    };
    let connection = capture_connection(&mut request);
    if let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() {
        asked.set_connection_retriever(move || metadata(&connection));
    }
    let answer = client.request(request);
    HttpConnectorFuture::new(async move {
        let response = answer.await.map_err(failure)?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    })
}

/// The SDK gives a connection up that answered with a passing error, so that a retry goes to another host.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    connection.connection_metadata().as_ref()?;
    let connection = connection.clone();
    let give_up = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(give_up).build())
}

/// The SDK retries what was late or broke on the way, if the client retries at all.
fn failure(error: ClientError) -> ConnectorError {
    let connecting = error.is_connect();
    let late = causes(&error).any(|cause| cause.is::<Elapsed>());
    let failure = if late {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    };
    if connecting { failure.never_connected() } else { failure }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// A connector that gives up after [`CONNECT`].
#[derive(Debug, Clone)]
struct Bounded<C>(C);

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async move { tokio::time::timeout(CONNECT, connecting).await?.map_err(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jiff::{SignedDuration, Timestamp};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::Clock;

    /// The certificate in its binary form.
    fn binary(pem: &str) -> Vec<u8> {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body).unwrap()
    }

    /// The end of its validity: the second of the two UTCTimes that stand together (RFC 5280, 4.1.2.5).
    fn until(certificate: &[u8]) -> Timestamp {
        const UTC_TIME: [u8; 2] = [0x17, 13];
        let at = certificate
            .windows(30)
            .position(|window| window.starts_with(&UTC_TIME) && window[15..].starts_with(&UTC_TIME))
            .unwrap();
        let text = std::str::from_utf8(&certificate[at + 17..at + 29]).unwrap();
        let part = |index: usize| &text[index * 2..index * 2 + 2];
        format!(
            "20{}-{}-{}T{}:{}:{}Z",
            part(0),
            part(1),
            part(2),
            part(3),
            part(4),
            part(5)
        )
        .parse()
        .unwrap()
    }

    #[test]
    fn the_trusted_roots_are_those_of_the_table_and_have_years_to_live() {
        let table = include_str!("roots/README.md");
        for pem in AMAZON_ROOTS {
            let certificate = binary(pem);
            let hash: String = Sha256::digest(&certificate)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let row = table.lines().find(|line| line.contains(&hash)).unwrap();
            let until = until(&certificate);
            assert!(row.contains(&until.strftime("%Y-%m-%d").to_string()), "{row}");
            let two_years = Clock::system().now() + SignedDuration::from_hours(2 * 365 * 24);
            assert!(until > two_years, "{row}");
        }
        assert_eq!(
            table.lines().filter(|line| line.starts_with("| `")).count(),
            AMAZON_ROOTS.len()
        );
    }

    #[test]
    fn loopback_makes_no_tls_and_https_makes_it_once_for_all_clients() {
        let transport = Transport(Arc::new(Connectors {
            bundle: None,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }));
        let call = |uri: &str| {
            let mut request = HttpRequest::empty();
            request.set_uri(uri).unwrap();
            drop(transport.clone().call(request));
        };
        call("http://127.0.0.1:1/");
        assert!(transport.0.plain.get().is_some());
        assert!(transport.0.secure.get().is_none());
        call("https://dynamodb.eu-west-3.amazonaws.com/");
        assert!(transport.0.secure.get().is_some());
    }

    #[test]
    fn every_root_is_trusted_and_a_bundle_takes_their_place() {
        assert_eq!(roots(None).unwrap().len(), AMAZON_ROOTS.len());
        assert_eq!(roots(Some(AMAZON_ROOTS[0])).unwrap().len(), 1);
    }

    #[test]
    fn a_bundle_that_is_broken_is_refused_when_it_is_needed() {
        assert!(roots(Some(&AMAZON_ROOTS[0].replace('M', "!"))).is_err());
        assert!(https(Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).is_err());
    }

    #[tokio::test]
    async fn nobody_at_home_is_a_failure_that_the_sdk_may_try_again() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let mut request = HttpRequest::empty();
        request.set_uri(nobody).unwrap();
        let error = send(&client(HttpConnector::new()), request).await.unwrap_err();
        assert!(error.is_io(), "{error:?}");
    }
}
