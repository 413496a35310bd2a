using System.Net;
using FastBatch;
using FastBatch.Diagnostics;

namespace Digits;

/// <summary>Serves the batcher's metrics over HTTP. A service has a web server for this; a program without one needs no more than this.</summary>
internal sealed class MetricsEndpoint : IDisposable
{
    private readonly OpenMetricsWriter _metrics = new();
    private readonly BatchTelemetry _telemetry = new();
    private readonly HttpListener _listener = new();
    private readonly IDisposable _observation;

    /// <summary>Serves until it is disposed.</summary>
    /// <param name="batcher">The batcher.</param>
    /// <param name="port">At http://localhost:port/metrics.</param>
    public MetricsEndpoint(Batcher batcher, int port)
    {
        _observation = _telemetry.Observe(batcher);
        _listener.Prefixes.Add($"http://localhost:{port}/metrics/");
        _listener.Start();
        _ = ServeAsync();
    }

    public void Dispose()
    {
        _listener.Close();
        _observation.Dispose();
        _telemetry.Dispose();
        _metrics.Dispose();
    }

    private async Task ServeAsync()
    {
        while (await NextAsync() is { } context)
        {
            try
            {
                context.Response.ContentType = OpenMetricsWriter.ContentType;
                await _metrics.WriteAsync(context.Response.OutputStream);
                context.Response.Close();
            }
            catch (Exception exception) when (exception is ObjectDisposedException or HttpListenerException or IOException)
            {
                // The client has left; the next one is served all the same.
                context.Response.Abort();
            }
        }
    }

    private async Task<HttpListenerContext?> NextAsync()
    {
        try
        {
            return await _listener.GetContextAsync();
        }
        catch (Exception exception) when (exception is ObjectDisposedException or HttpListenerException)
        {
            // Disposed.
            return null;
        }
    }
}
