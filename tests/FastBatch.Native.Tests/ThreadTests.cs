namespace FastBatch.Native.Tests;

/// <summary>Threads share modules, not tensors.</summary>
public class ThreadTests
{
    private const int Rounds = 2_000;

    [NativeFact]
    public void Two_modules_in_two_threads()
    {
        using TorchScriptModule mlp = Fixture.Load("mlp");
        using TorchScriptModule methods = Fixture.Load("methods");
        float[] rows = Fixture.Numbers(4 * 16);
        float[] expected = Forward(mlp, rows);

        InParallel(
            () => Assert.Equal(expected, Forward(mlp, rows)),
            () =>
            {
                float[] sums = new float[64];
                using TorchScope scope = TorchScope.Enter();
                methods.Forward(scope.Copy<float>(rows, [64])).CopyTo<float>(sums, [64]);
                Assert.Equal(rows.Select(static value => value + 1), sums);
            });
    }

    [NativeFact]
    public void One_module_in_many_threads()
    {
        using TorchScriptModule mlp = Fixture.Load("mlp");
        float[][] rows = [.. Enumerable.Range(1, 6).Select(static thread => Fixture.Numbers(thread * 16))];
        float[][] expected = [.. rows.Select(row => Forward(mlp, row))];

        InParallel([.. rows.Zip(expected, (row, answer) => (Action)(() => Assert.Equal(answer, Forward(mlp, row))))]);
    }

    [NativeFact]
    public void Disposing_a_module_while_threads_run_it()
    {
        for (int round = 0; round < 100; round++)
        {
            TorchScriptModule module = Fixture.Load("mlp");
            float[] rows = Fixture.Numbers(4 * 16);
            float[] expected = Forward(module, rows);
            using var started = new CountdownEvent(2);
            Task[] runners = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                bool first = true;
                while (true)
                {
                    try
                    {
                        Assert.Equal(expected, Forward(module, rows));
                    }
                    catch (ObjectDisposedException)
                    {
                        return;
                    }
                    finally
                    {
                        if (first)
                        {
                            started.Signal();
                            first = false;
                        }
                    }
                }
            }))];
            started.Wait();
            module.Dispose();
            Task.WaitAll(runners);
        }
    }

    [NativeFact]
    public void A_call_under_way_ends_well_when_its_module_is_disposed()
    {
        // Nothing tells when a call is inside the native code, so it is given more and more time to get there.
        bool ended = false;
        for (int patience = 1 << 10; !ended; patience *= 2)
        {
            TorchScriptModule module = Fixture.Load("methods");
            TorchScriptMethod repeat = module.GetMethod("repeat");
            using var starting = new ManualResetEventSlim();
            float result = 0;
            var thread = new Thread(() =>
            {
                using TorchScope scope = TorchScope.Enter();
                TorchTensor x = scope.Copy<float>([0.5f], [1]);
                TorchTensor times = scope.Copy<long>([100_000], []);
                starting.Set();
                try
                {
                    repeat.Invoke(x, times).CopyTo(new Span<float>(ref result), [1]);
                    ended = true;
                }
                catch (ObjectDisposedException)
                {
                }
            });
            thread.Start();
            starting.Wait();
            Thread.SpinWait(patience);
            module.Dispose();
            Assert.Throws<ObjectDisposedException>(() => repeat.Invoke());
            thread.Join();

            Assert.Equal(ended ? 0.659046f : 0, result, 1e-4f); // where the sigmoid stays
        }
    }

    [NativeFact]
    public void The_number_of_threads_holds_for_scopes_entered_afterwards()
    {
        int before = Torch.Threads;
        try
        {
            Torch.Threads = 1;
            int seen = 0;
            var thread = new Thread(() =>
            {
                using TorchScope scope = TorchScope.Enter();
                seen = Torch.Threads;
            });
            thread.Start();
            thread.Join();
            Assert.Equal(1, seen);
        }
        finally
        {
            Torch.Threads = before;
        }

        Assert.Throws<ArgumentOutOfRangeException>(static () => Torch.Threads = 0);
    }

    private static float[] Forward(TorchScriptModule module, float[] rows)
    {
        int count = rows.Length / 16;
        float[] outputs = new float[count * 10];
        using TorchScope scope = TorchScope.Enter();
        module.Forward(scope.Copy<float>(rows, [count, 16])).CopyTo<float>(outputs, [count, 10]);
        return outputs;
    }

    private static void InParallel(params Action[] actions)
    {
        Task[] tasks = [.. actions.Select(static action => Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    action();
                }
            },
            TaskCreationOptions.LongRunning))];
        Task.WaitAll(tasks);
    }
}
