//! One connection of the fault server.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fault_server::{Fault, FaultResponse, ReceivedRequest, Shared};

/// Whether the connection goes on after a request.
enum After {
    Keep,
    Close,
}

pub(super) async fn serve(mut stream: TcpStream, connection: usize, shared: Arc<Shared>) {
    // A connection that fails is a connection that ended: that is what this server is for.
    while let Ok(After::Keep) = one_request(&mut stream, connection, &shared).await {}
}

async fn one_request(stream: &mut TcpStream, connection: usize, shared: &Shared) -> io::Result<After> {
    // Nothing of the script is used up for a connection over which no request comes.
    if stream.peek(&mut [0]).await? == 0 {
        return Ok(After::Close);
    }
    let fault = shared.next_fault();
    let limit = if let Fault::ResetWithinRequest(bytes) = &fault { *bytes } else { usize::MAX };
    let (bytes, complete) = read_request(stream, limit).await?;
    shared.record(ReceivedRequest { connection, bytes, complete });
    match fault {
        Fault::Answer(response) => {
            stream.write_all(&response.to_bytes()).await?;
            return Ok(After::Keep);
        }
        Fault::AnswerAndClose(response) => stream.write_all(&response.to_bytes()).await?,
        Fault::ResetBeforeAnswer | Fault::ResetWithinRequest(_) => stream.set_zero_linger()?,
        Fault::ResetAfter(response, bytes) => {
            write_part(stream, &response, bytes).await?;
            stream.set_zero_linger()?;
        }
        Fault::CloseAfter(response, bytes) => write_part(stream, &response, bytes).await?,
        // Until the other side gives up.
        Fault::Hang => drop(stream.read(&mut [0]).await?),
        Fault::Drip(response, pause) => {
            for byte in response.to_bytes() {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    Ok(After::Close)
}

async fn write_part(stream: &mut TcpStream, response: &FaultResponse, bytes: usize) -> io::Result<()> {
    let all = response.to_bytes();
    stream.write_all(all.get(..bytes).unwrap_or(&all)).await?;
    stream.flush().await
}

/// Reads one request, at most `limit` bytes of it; answers whether it came to its end.
async fn read_request(stream: &mut TcpStream, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        if let Some(length) = whole_length(&bytes)
            && bytes.len() >= length
        {
            return Ok((bytes, true));
        }
        let room = limit.saturating_sub(bytes.len()).min(piece.len());
        if room == 0 {
            return Ok((bytes, false));
        }
        match stream.read(&mut piece[..room]).await? {
            0 => return Ok((bytes, false)),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// How long the request is in all, once its head is there.
fn whole_length(bytes: &[u8]) -> Option<usize> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]);
    let body = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head_end + body.unwrap_or(0))
}
