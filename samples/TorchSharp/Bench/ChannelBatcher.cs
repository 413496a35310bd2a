using System.Threading.Channels;

namespace Digits;

/// <summary>What is written first: a channel, a task for each request, arrays in and out of tensors.</summary>
internal sealed class ChannelBatcher : IAsyncDisposable
{
    private const int MaxBatchSize = 64;

    private readonly Channel<(float[] Image, TaskCompletionSource<float[]> Result)> _requests =
        Channel.CreateUnbounded<(float[] Image, TaskCompletionSource<float[]> Result)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly Task _loop;

    public ChannelBatcher(torch.nn.Module<Tensor, Tensor> module) => _loop = Task.Run(() => LoopAsync(module));

    public Task<float[]> SubmitAsync(float[] image)
    {
        var result = new TaskCompletionSource<float[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests.Writer.TryWrite((image, result));
        return result.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.Complete();
        await _loop;
    }

    private async Task LoopAsync(torch.nn.Module<Tensor, Tensor> module)
    {
        var batch = new List<(float[] Image, TaskCompletionSource<float[]> Result)>(MaxBatchSize);
        while (await _requests.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatchSize && _requests.Reader.TryRead(out (float[] Image, TaskCompletionSource<float[]> Result) request))
            {
                batch.Add(request);
            }

            float[] images = new float[batch.Count * 64];
            for (int i = 0; i < batch.Count; i++)
            {
                batch[i].Image.CopyTo(images, i * 64);
            }

            float[] logits;
            using (torch.no_grad())
            using (torch.NewDisposeScope())
            {
                logits = module.call(torch.tensor(images, [batch.Count, 64])).data<float>().ToArray();
            }

            for (int i = 0; i < batch.Count; i++)
            {
                batch[i].Result.SetResult(logits[(i * 10)..((i + 1) * 10)]);
            }

            batch.Clear();
        }
    }
}
