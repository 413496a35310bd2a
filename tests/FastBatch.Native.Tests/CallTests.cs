namespace FastBatch.Native.Tests;

/// <summary>Calls that cannot be done: who says so, with which words, and that nothing is left behind.</summary>
public class CallTests
{
    [NativeFact]
    public void Another_shape_than_announced_names_both()
    {
        TorchException refusal = Refusal("mlp", [4, 16], static output => output.CopyTo<float>(new float[48], [4, 12]));

        Assert.Equal(TorchFailure.Mismatch, refusal.Failure);
        Assert.Contains("expected float32 [4, 12], the model returned float32 [4, 10]", refusal.Message);
    }

    [NativeFact]
    public void Another_rank_than_announced_names_both()
    {
        TorchException refusal = Refusal("mlp", [4, 16], static output => output.CopyTo<float>(new float[40], [40]));

        Assert.Contains("expected float32 [40], the model returned float32 [4, 10]", refusal.Message);
    }

    [NativeFact]
    public void Another_type_than_announced_names_both()
    {
        TorchException refusal = Refusal("mlp", [4, 16], static output => output.CopyTo<long>(new long[40], [4, 10]));

        Assert.Equal(TorchFailure.Mismatch, refusal.Failure);
        Assert.Contains("expected int64 [4, 10], the model returned float32 [4, 10]", refusal.Message);
    }

    [NativeFact]
    public void A_shape_the_script_refuses_has_its_traceback()
    {
        TorchException refusal = Refusal("mlp", [4, 15], static _ => { });

        Assert.StartsWith("mlp.pt.forward: ", refusal.Message);
        Assert.Contains("Traceback of TorchScript", refusal.Message);
        Assert.Contains("4x15 and 16x32", refusal.Message);
    }

    [NativeFact]
    public void A_script_that_raises_has_its_traceback_and_goes_on()
    {
        using TorchScriptModule module = Fixture.Load("raises");
        for (int i = 0; i < 3; i++)
        {
            using TorchScope scope = TorchScope.Enter();
            TorchTensor good = scope.Copy<float>([1, 2], [1, 2]);
            TorchTensor bad = scope.Copy<float>([1, -2], [1, 2]);
            TorchException? refusal = null;
            try
            {
                module.Forward(bad);
            }
            catch (TorchException exception)
            {
                refusal = exception;
            }

            Assert.Equal(TorchFailure.Exception, refusal?.Failure);
            Assert.StartsWith("raises.pt.forward: ", refusal?.Message);
            Assert.Contains("Traceback of TorchScript", refusal?.Message);
            Assert.Contains("in forward", refusal?.Message); // the compiler has inlined check
            Assert.Contains("an input is negative", refusal?.Message);

            float[] doubled = new float[2];
            module.Forward(good).CopyTo<float>(doubled, [1, 2]);
            Assert.Equal([2, 4], doubled);
        }
    }

    [NativeFact]
    public void Too_few_and_too_many_inputs_are_counted()
    {
        using TorchScriptModule module = Fixture.Load("methods");
        TorchScriptMethod scale = module.GetMethod("scale");
        foreach (int count in (int[])[0, 1, 4])
        {
            using TorchScope scope = TorchScope.Enter();
            var inputs = new TorchTensor[count];
            inputs.AsSpan().Fill(scope.Copy<float>([1], [1]));
            TorchException? refusal = null;
            try
            {
                scale.Invoke(inputs);
            }
            catch (TorchException exception)
            {
                refusal = exception;
            }

            Assert.Equal(TorchFailure.Argument, refusal?.Failure);
            Assert.StartsWith("methods.pt.scale: ", refusal?.Message);
            Assert.Contains(count.ToString(), refusal?.Message);
        }
    }

    [NativeTheory]
    [InlineData("number", 1, "Int")]
    [InlineData("named", 1, "Dict")]
    [InlineData("nothing", 1, "None")]
    [InlineData("mixed", 2, "tuple with Int")]
    [InlineData("forward", 1, "2")]
    [InlineData("forward", 3, "2")]
    [InlineData("pieces", 2, "3")]
    public void A_result_that_was_not_asked_for_is_named(string method, int outputs, string named)
    {
        using TorchScriptModule module = Fixture.Load("results");
        using TorchScope scope = TorchScope.Enter();
        TorchException? refusal = null;
        try
        {
            module.GetMethod(method).Invoke([scope.Copy<float>(new float[6], [2, 3])], new TorchTensor[outputs]);
        }
        catch (TorchException exception)
        {
            refusal = exception;
        }

        Assert.Equal(TorchFailure.Mismatch, refusal?.Failure);
        Assert.StartsWith($"results.pt.{method}: ", refusal?.Message);
        Assert.Contains(named, refusal?.Message);
    }

    [NativeFact]
    public void A_module_without_the_weights_of_another_is_another()
    {
        using TorchScriptModule first = Fixture.Load("methods");
        using TorchScriptModule second = Fixture.Load("mlp");
        using TorchScope scope = TorchScope.Enter();
        TorchTensor x = scope.Copy<float>(new float[16], [1, 16]);

        // What one module returns, the next takes.
        Assert.Equal("Single [1, 10]", second.Forward(first.Forward(x)).ToString());
    }

    [NativeFact]
    public void After_dispose_everything_says_so()
    {
        TorchScriptModule module = Fixture.Load("methods");
        TorchScriptMethod scale = module.GetMethod("scale");
        module.Dispose();
        module.Dispose();

        Assert.Throws<ObjectDisposedException>(() => module.Forward());
        Assert.Throws<ObjectDisposedException>(() => module.Forward([], new TorchTensor[1]));
        Assert.Throws<ObjectDisposedException>(() => module.GetMethod("scale"));
        Assert.Throws<ObjectDisposedException>(() => scale.Invoke());

        TorchScriptModule used = Fixture.Load("identity");
        using TorchScope scope = TorchScope.Enter();
        TorchTensor result = used.Forward(scope.Copy<float>([3], [1]));
        used.Dispose();
        float value = 0;
        result.CopyTo(new Span<float>(ref value), [1]);
        Assert.Equal(3, value);
    }

    private static TorchException Refusal(string module, long[] shape, Action<TorchTensor> read)
    {
        using TorchScriptModule loaded = Fixture.Load(module);
        using TorchScope scope = TorchScope.Enter();
        try
        {
            read(loaded.Forward(scope.Copy<float>(new float[shape.Aggregate(static (a, b) => a * b)], shape)));
        }
        catch (TorchException exception)
        {
            return exception;
        }

        throw new InvalidOperationException("Nothing was refused.");
    }
}
