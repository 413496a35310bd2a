using FastBatch;

namespace WebApi;

/// <summary>
/// Says in HTTP why a request was not answered: 429 when there are too many, with the time after which it is worth another try, 503 when this
/// instance cannot answer but another may (it is about to stop, or its model does not return), 504 when the answer would be late, and 400 when
/// the input is not what the model takes.
/// </summary>
internal sealed class RefusalFilter : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        HttpResponse response = context.HttpContext.Response;
        try
        {
            return await next(context);
        }
        catch (BatcherOverloadedException exception)
        {
            // Whole seconds, and at least one: nothing finer is defined.
            response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(exception.RetryAfter.TotalSeconds)).ToString();
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status429TooManyRequests);
        }
        catch (FastBatchException exception) when (exception is BatcherClosedException || exception.IsTransient)
        {
            // The next request is for another instance, on another connection.
            response.Headers.Connection = "close";
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        catch (DeadlineExceededException exception)
        {
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status504GatewayTimeout);
        }
        catch (ArgumentException exception)
        {
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status400BadRequest);
        }
    }
}
