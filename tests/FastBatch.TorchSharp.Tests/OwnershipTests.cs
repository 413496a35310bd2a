using System.Runtime.InteropServices;

namespace FastBatch.TorchSharp.Tests;

/// <summary>Whatever a method does with its tensors, no caller sees another's row, and the next batch runs.</summary>
public sealed class OwnershipTests
{
    private static readonly float[] s_row = [-1, 2, -3];
    private static readonly float[] s_relu = [0, 2, 0];

    /// <summary>What a method may do to what it is given.</summary>
    public static TheoryData<string> Deeds => [.. s_deeds.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor>> s_deeds = new()
    {
        ["nothing"] = static x => x,
        ["disposes it"] = static x =>
        {
            Tensor y = x.clone();
            x.Dispose();
            return y;
        },
        ["adds a dimension"] = static x =>
        {
            Tensor y = x.clone();
            x.unsqueeze_(0).Dispose();
            return y;
        },
        ["turns it"] = static x =>
        {
            Tensor y = x.clone();
            x.transpose_(0, 1).Dispose();
            return y;
        },
        ["gives it other memory"] = static x =>
        {
            Tensor y = x.clone();
            using Tensor other = torch.zeros(x.shape);
            x.set_(other);
            return y;
        },
        ["a view"] = static x => x.view(-1, 3),
        ["uses a scope"] = static x =>
        {
            using DisposeScope scope = torch.NewDisposeScope();
            return scope.MoveToOuter(x.clone());
        },
        ["leaves a scope open"] = static x =>
        {
            torch.NewDisposeScope();
            return x.clone();
        },
        ["strides"] = static x => x.t().contiguous().t(),
    };

    [Theory]
    [MemberData(nameof(Deeds))]
    public async Task Whatever_a_method_does(string deed)
    {
        var tricks = new Tricks();

        // One place for rows, so that the next batch has the memory of this one.
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher(new BatcherOptions { DedicatedThread = true, MaxBatchSize = 1, Capacity = 1 });
        float[] output = new float[3];
        for (int i = 0; i < 3; i++)
        {
            tricks.Next = s_deeds[deed];
            await batcher.SubmitAsync(s_row, output);
            Assert.Equal(s_row, output);
            tricks.Next = static x => x.relu();
            await batcher.SubmitAsync(s_row, output);
            Assert.Equal(s_relu, output);
        }
    }

    [Fact]
    public async Task An_input_and_a_tensor_returned_twice()
    {
        await using Tricks.SameBatcher same = Tricks.CreateSameBatcher();
        await using Tricks.TwiceBatcher twice = Tricks.CreateTwiceBatcher();
        for (int i = 0; i < 10; i++)
        {
            float[] row = [i, -i, 1];
            float[][] outputs = [new float[3], new float[3], new float[3], new float[3]];
            await same.SubmitAsync(row, outputs[0]);
            await twice.SubmitAsync(row, outputs[1], outputs[2], outputs[3]);
            Assert.Equal(row, outputs[0]);
            Assert.Equal([i, 0, 1], outputs[1]);
            Assert.Equal([i, 0, 1], outputs[2]);
            Assert.Equal(row, outputs[3]);
        }
    }

    [Theory]
    [InlineData("shape", "Tricks.Any: output is Float32 [1, 2]; expected: Float32 [1, 3].")]
    [InlineData("rank", "Tricks.Any: output is Float32 [3]; expected: Float32 [1, 3].")]
    [InlineData("type", "Tricks.Any: output is Int64 [1, 3]; expected: Float32 [1, 3].")]
    [InlineData("null", "Tricks.Any: output is null; expected: Float32 [1, 3].")]
    [InlineData("disposed", "Tricks.Any: output is a tensor that is disposed already, as by a DisposeScope that the method has left; expected: Float32 [1, 3].")]
    public async Task What_does_not_fit_faults_its_batch(string kind, string message)
    {
        var tricks = new Tricks
        {
            Next = x => kind switch
            {
                "shape" => x.narrow(1, 0, 2),
                "rank" => x.view(3),
                "type" => x.to_type(torch.ScalarType.Int64),
                "null" => null!,
                _ => Disposed(x),
            },
        };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher();
        float[] output = new float[3];
        BatchExecutionException fault = await Assert.ThrowsAsync<BatchExecutionException>(() => batcher.SubmitAsync(s_row, output).AsTask());
        Assert.Equal(message, Assert.IsType<InvalidOperationException>(fault.InnerException).Message);
        tricks.Next = static x => x.relu();
        await batcher.SubmitAsync(s_row, output);
        Assert.Equal(s_relu, output);

        static Tensor Disposed(Tensor x)
        {
            using Tensor y = x.clone();
            return y;
        }
    }

    [Fact]
    public async Task An_exception_of_libtorch_faults_its_batch()
    {
        var tricks = new Tricks { Next = static x => x.mm(x) };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher();
        float[] output = new float[3];
        BatchExecutionException fault = await Assert.ThrowsAsync<BatchExecutionException>(() => batcher.SubmitAsync(s_row, output).AsTask());
        Assert.Contains("mat1 and mat2", Assert.IsAssignableFrom<ExternalException>(fault.InnerException).Message, StringComparison.Ordinal);
        tricks.Next = static x => x.relu();
        await batcher.SubmitAsync(s_row, output);
        Assert.Equal(s_relu, output);
    }

    [Theory]
    [InlineData("reads", 1)]
    [InlineData("writes", 8)]
    [InlineData("writes through a view", 8)]
    [InlineData("replaces", 8)]
    [InlineData("disposes", 8)]
    public async Task What_a_method_wrote_to_is_not_run_again(string deed, int failed)
    {
        var tricks = new Tricks
        {
            Next = x =>
            {
                using Tensor largest = x.max();
                bool isBad = largest.ToSingle() > 100;
                Tensor y = x.neg();
                switch (deed)
                {
                    case "writes":
                        Free(x.neg_(), x);
                        break;
                    case "writes through a view":
                        using (Tensor view = x.view(-1))
                        {
                            Free(view.add_(1), view);
                        }

                        break;
                    case "replaces":
                        Free(x.set_(y), x);
                        break;
                    case "disposes":
                        x.Dispose();
                        break;
                }

                return isBad ? throw new FormatException() : y;
            },
        };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher(Batches.Of(8));
        for (int bad = -1; bad < 8; bad++)
        {
            int faults = 0;
            await Batches.InBatchAsync(8, async row =>
            {
                float[] x = [row, 2, row == bad ? 101 : 3];
                float[] y = new float[3];
                try
                {
                    await batcher.SubmitAsync(x, y);
                    Assert.Equal([-row, -2, -3], y);
                    Assert.NotEqual(bad, row);
                }
                catch (BatchExecutionException exception)
                {
                    Assert.IsType<FormatException>(exception.InnerException);
                    Interlocked.Increment(ref faults);
                }
            });
            Assert.Equal(bad < 0 ? 0 : failed, faults);
        }

        // Operations in place return the tensor itself, in old versions another one.
        static void Free(Tensor result, Tensor operand)
        {
            if (!ReferenceEquals(result, operand))
            {
                result.Dispose();
            }
        }
    }

    [Fact]
    public async Task An_input_that_was_kept_is_no_tensor_any_more_when_the_batcher_has_ended()
    {
        Tensor? kept = null;
        var tricks = new Tricks
        {
            Next = x =>
            {
                kept = x;
                return x.relu();
            },
        };
        await using (Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher())
        {
            await batcher.SubmitAsync(s_row, new float[3]);
        }

        Assert.True(kept!.IsInvalid);
        Assert.ThrowsAny<Exception>(() => kept.relu());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_module_that_is_disposed_first_faults_what_still_comes(bool isScript)
    {
        using var scripts = new Scripts(Batches.Folder);
        using var mlp = new Mlp(scripts.MlpModule);
        await using Mlp.ForwardBatcher module = mlp.CreateForwardBatcher();
        await using Scripts.MlpBatcher script = scripts.CreateMlpBatcher();
        await module.SubmitAsync(new float[16], new float[10]);
        await script.SubmitAsync(new float[16], new float[10]);
        if (isScript)
        {
            scripts.Dispose();
        }
        else
        {
            mlp.Dispose();
        }

        ValueTask task = isScript ? script.SubmitAsync(new float[16], new float[10]) : module.SubmitAsync(new float[16], new float[10]);
        await Assert.ThrowsAsync<BatchExecutionException>(() => task.AsTask());
    }

    [Fact]
    public async Task Everybody_gets_his_own_row_however_batches_overlap()
    {
        await using Tricks.TwiceBatcher batcher = Tricks.CreateTwiceBatcher(new BatcherOptions { MaxBatchSize = 7, Capacity = 32 });
        await Task.WhenAll(Enumerable.Range(0, 48).Select(client => Task.Run(async () =>
        {
            float[][] outputs = [new float[3], new float[3], new float[3]];
            for (int i = 0; i < 500; i++)
            {
                float[] row = [client, -i, i];
                await batcher.SubmitAsync(row, outputs[0], outputs[1], outputs[2]);
                Assert.Equal([client, 0, i], outputs[0]);
                Assert.Equal([client, 0, i], outputs[1]);
                Assert.Equal(row, outputs[2]);
            }
        })));
    }

    [Fact]
    public async Task No_gradients_are_kept_and_modules_evaluate()
    {
        using Tensor weight = torch.ones(new long[] { 1, 3 }).requires_grad_(true);
        bool? requires = null;
        var tricks = new Tricks
        {
            Next = x =>
            {
                Tensor y = x.mul(weight);
                requires = y.requires_grad;
                return y;
            },
        };
        await using Tricks.AnyBatcher batcher = tricks.CreateAnyBatcher(new BatcherOptions { DedicatedThread = true });
        await batcher.SubmitAsync(s_row, new float[3]);
        Assert.False(requires);

        using var scripts = new Scripts(Batches.Folder);
        using var mlp = new Mlp(scripts.MlpModule);
        mlp.train();
        await using Mlp.ForwardBatcher forward = mlp.CreateForwardBatcher();
        Assert.False(mlp.training);

        // Somebody trains it while it serves.
        mlp.train();
        await forward.SubmitAsync(new float[16], new float[10]);
        Assert.False(mlp.training);
    }

    [Fact]
    public async Task What_a_method_keeps_of_its_own_lives_on()
    {
        await using Tricks.KeepBatcher batcher = new Tricks().CreateKeepBatcher();
        for (int i = 0; i < 5; i++)
        {
            float[] output = new float[3];
            await batcher.SubmitAsync(s_row, output);
            Assert.Equal([-2, 4, -6], output);
        }
    }
}
