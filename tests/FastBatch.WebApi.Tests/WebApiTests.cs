using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Digits;

namespace FastBatch.WebApi.Tests;

/// <summary>samples/WebApi under load from a second process, this one.</summary>
public class WebApiTests
{
    private static readonly DigitsData Data = DigitsData.Load(Path.Combine(AppContext.BaseDirectory, "digits.test.bin"));

    [Fact]
    public async Task Everybody_gets_the_digit_in_the_own_image()
    {
        using Service service = await Service.StartAsync("--FastBatch:DigitModel.Classify:Deadline=1min");
        using HttpClient http = Client(service);
        long warmUp = await RowsRunAsync(http);
        bool[] right = await Task.WhenAll(Enumerable.Range(0, 200).Select(async image =>
        {
            using HttpResponseMessage response = await PostAsync(http, image);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            float[] logits = [.. answer.GetProperty("logits").EnumerateArray().Select(static logit => logit.GetSingle())];
            Assert.All(logits.Zip(Data.Logits(image).ToArray()), static pair => Assert.Equal(pair.Second, pair.First, 0.05f));
            return answer.GetProperty("digit").GetInt32() == Data.Label(image);
        }));
        Assert.InRange(right.Count(static digit => digit), 190, 200);

        // What it says of itself.
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        JsonElement health = await http.GetFromJsonAsync<JsonElement>("/health");
        Assert.Equal("Serving", health.GetProperty("checks").GetProperty("fastbatch").GetProperty("data").GetProperty("DigitModel.Classify:State").GetString());
        Assert.Equal(200, await RowsRunAsync(http) - warmUp);
        Assert.Contains(
            "fastbatch_requests_total{fastbatch_endpoint=\"DigitModel.Classify\",fastbatch_outcome=\"succeeded\"} 200\n",
            await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        JsonElement api = await http.GetFromJsonAsync<JsonElement>("/openapi/v1.json");
        Assert.Contains("429", api.GetProperty("paths").GetProperty("/classify").GetProperty("post").GetProperty("responses").EnumerateObject().Select(static r => r.Name));
    }

    [Fact]
    public async Task Pixels_that_are_no_image_are_refused()
    {
        using Service service = await Service.StartAsync();
        using HttpClient http = Client(service);
        using HttpResponseMessage response = await http.PostAsJsonAsync("/classify", new float[63]);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("has 63 elements; one row has 64", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Told_to_stop_it_answers_what_it_accepted_and_says_503_to_the_rest()
    {
        using Service service = await Service.StartAsync(
            "--FastBatch:DigitModel.Classify:MaxBatchSize=8", "--FastBatch:DigitModel.Classify:Deadline=1min", "--Model:BatchTime=00:00:00.010");
        using HttpClient http = Client(service);
        int answered = 0;
        var underLoad = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // Each goes on until it is sent away, and would end with an exception if a connection broke.
        Task<HttpStatusCode>[] clients = [.. Enumerable.Range(0, 48).Select(async client =>
        {
            for (int image = client; ; image++)
            {
                using HttpResponseMessage response = await PostAsync(http, image % Data.Count);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return response.StatusCode;
                }

                Assert.Contains("\"digit\":", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                if (Interlocked.Increment(ref answered) == 500)
                {
                    underLoad.SetResult();
                }
            }
        })];
        await underLoad.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        service.Terminate();
        HttpStatusCode[] ends = await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.All(ends, static status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
        Assert.Equal(0, await service.ExitAsync());
        Assert.Contains("DigitModel.Classify has answered every request it accepted.", service.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Overloaded_it_says_429_and_when_to_come_again_and_answers_what_it_accepts()
    {
        using Service service = await Service.StartAsync(
            "--FastBatch:DigitModel.Classify:MaxBatchSize=4", "--FastBatch:DigitModel.Classify:Capacity=16",
            "--FastBatch:DigitModel.Classify:Deadline=1min", "--Model:BatchTime=00:00:00.010");
        using HttpClient http = Client(service);
        var statuses = new ConcurrentBag<HttpStatusCode>();
        await Task.WhenAll(Enumerable.Range(0, 96).Select(async client =>
        {
            for (int i = 0; i < 20; i++)
            {
                using HttpResponseMessage response = await PostAsync(http, client);
                statuses.Add(response.StatusCode);
                if (response.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
                }
            }
        }));
        Assert.All(statuses, static status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, $"{status}"));
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
        Assert.Contains(HttpStatusCode.OK, statuses);
        using HttpResponseMessage alone = await PostAsync(http, 0);
        Assert.Equal(HttpStatusCode.OK, alone.StatusCode);
    }

    private static async Task<long> RowsRunAsync(HttpClient http)
    {
        JsonElement batches = await http.GetFromJsonAsync<JsonElement>("/batches");
        return batches.EnumerateObject().Sum(static size => int.Parse(size.Name) * size.Value.GetInt64());
    }

    private static HttpClient Client(Service service) => new() { BaseAddress = service.Address, Timeout = TimeSpan.FromSeconds(60) };

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, int image) =>
        http.PostAsJsonAsync("/classify", Data.Image(image).ToArray());
}
