using System.Diagnostics.Metrics;
using FastBatch.Diagnostics;
using FastBatch.Hosting;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Mvc;
using WebApi;

// A minimal API that serves handwritten digits: requests that come together run together.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Configuration.AddYamlFile("fastbatch.yaml", optional: true);
builder.Services.AddFastBatch()
    .ConfigureHost(options => options.StoppingDelay = builder.Configuration.GetValue("StoppingDelay", TimeSpan.FromSeconds(1)))
    .WhenMade(static (services, batcher, name) => services.GetRequiredService<BatchTelemetry>().Observe(batcher, name))
    .AddDigitModelClassifyBatcher(model: static services => DigitModel.Load(services.GetRequiredService<IConfiguration>()));
builder.Services.AddSingleton(static _ => new OpenMetricsWriter());
builder.Services.AddSingleton(static services => new BatchTelemetry(
    services.GetRequiredService<IMeterFactory>(), services.GetRequiredService<ILoggerFactory>()));
builder.Services.AddHealthChecks().AddFastBatch(tags: ["ready"]);
builder.Services.AddOpenApi();
builder.Services.AddProblemDetails();

WebApplication app = builder.Build();
app.UseExceptionHandler(); // What is nobody's fault but the model's: 500, as a problem too.
app.MapOpenApi();
app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthReportWriter.WriteAsync });
app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false });

// Listens from here on.
OpenMetricsWriter metrics = app.Services.GetRequiredService<OpenMetricsWriter>();
app.MapGet("/metrics", (HttpContext context) =>
    {
        context.Response.ContentType = OpenMetricsWriter.ContentType;
        return metrics.WriteAsync(context.Response.Body, context.RequestAborted);
    })
    .ExcludeFromDescription();

app.MapPost("/classify", static async ([FromBody] float[] pixels, DigitModel.ClassifyBatcher batcher, CancellationToken cancellationToken) =>
    {
        float[] logits = new float[DigitModel.ClassCount];
        await batcher.SubmitAsync(pixels, logits, cancellationToken);
        return new Classification(logits);
    })
    .AddEndpointFilter<RefusalFilter>()
    .WithSummary("The digit in an image of 8 x 8 pixels, each from 0 to 1, row by row.")
    .Produces<Classification>()
    .ProducesProblem(StatusCodes.Status400BadRequest)
    .ProducesProblem(StatusCodes.Status429TooManyRequests)
    .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
    .ProducesProblem(StatusCodes.Status504GatewayTimeout);

app.MapGet("/batches", static (DigitModel model) => model.BatchesBySize())
    .WithSummary("How many batches the model was given, by size.");

app.Run();
