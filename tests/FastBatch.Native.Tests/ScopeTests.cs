namespace FastBatch.Native.Tests;

/// <summary>A tensor is of one thread and one scope; anything else is refused, and is never another tensor.</summary>
public class ScopeTests
{
    [NativeFact]
    public void A_tensor_ends_with_its_scope()
    {
        TorchTensor gone;
        using (TorchScope scope = TorchScope.Enter())
        {
            gone = scope.Copy<float>([1], [1]);
        }

        AssertRefused(gone);
        using TorchScope next = TorchScope.Enter();
        TorchTensor other = next.Copy<float>([2], [1]);
        AssertRefused(gone);
        Assert.Equal("Single [1]", other.ToString());
    }

    [NativeFact]
    public void A_tensor_is_of_its_thread()
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor tensor = scope.Copy<float>([1], [1]);
        Exception? wrong = null;
        var thread = new Thread(() =>
        {
            try
            {
                using TorchScope own = TorchScope.Enter();
                own.Copy<float>([2], [1]);
                AssertRefused(tensor);
            }
            catch (Exception exception)
            {
                wrong = exception;
            }
        });
        thread.Start();
        thread.Join();

        Assert.Null(wrong);
        Assert.Equal(1, tensor.Rank);
    }

    [NativeFact]
    public void The_default_is_no_tensor()
    {
        AssertRefused(default);
        Assert.Equal("no tensor", default(TorchTensor).ToString());
    }

    [NativeFact]
    public void Without_a_scope_nothing_is_made()
    {
        Assert.Throws<TorchException>(static () => default(TorchScope).Copy<float>([1], [1]));
        Assert.Throws<TorchException>(static () => default(TorchScope).Borrow<float>([], [0]));
    }

    [NativeFact]
    public void Disposing_twice_or_the_default_does_nothing()
    {
        using TorchScope outer = TorchScope.Enter();
        TorchTensor tensor = outer.Copy<float>([1], [1]);
        using (TorchScope inner = TorchScope.Enter())
        {
            inner.Dispose();
            inner.Dispose();
        }

        default(TorchScope).Dispose();
        Assert.Equal(1, tensor.Rank);
    }

    [NativeFact]
    public void A_scope_does_not_end_before_those_inside_it()
    {
        TorchScope outer = TorchScope.Enter();
        TorchScope inner = TorchScope.Enter();
        bool refused = false;
        try
        {
            outer.Dispose();
        }
        catch (TorchException)
        {
            refused = true;
        }

        Assert.True(refused);
        Assert.Equal(1, outer.Copy<float>([1], [1]).Rank);
        inner.Dispose();
        outer.Dispose();
        Assert.Throws<TorchException>(static () => default(TorchScope).Copy<float>([1], [1]));
    }

    [NativeFact]
    public void Inner_scopes_free_their_own_tensors_alone()
    {
        using TorchScriptModule identity = Fixture.Load("identity");
        using TorchScope outer = TorchScope.Enter();
        TorchTensor kept = outer.Copy<float>([7], [1]);
        TorchTensor passed;
        using (TorchScope inner = TorchScope.Enter())
        {
            passed = identity.Forward(kept);
            Assert.Equal(1, passed.Rank);
        }

        AssertRefused(passed);
        float value = 0;
        kept.CopyTo(new Span<float>(ref value), [1]);
        Assert.Equal(7, value);
    }

    [NativeFact]
    public void A_thread_may_end_inside_a_scope()
    {
        for (int i = 0; i < 20; i++)
        {
            var thread = new Thread(static () => TorchScope.Enter().Copy<float>(new float[1024], [1024]));
            thread.Start();
            thread.Join();
        }
    }

    [NativeFact]
    public void A_tensor_knows_its_dimensions()
    {
        using TorchScope scope = TorchScope.Enter();
        TorchTensor tensor = scope.Copy<float>(new float[24], [2, 3, 4]);

        Assert.Equal((3, 2, 3, 4), (tensor.Rank, tensor.GetLength(0), tensor.GetLength(1), tensor.GetLength(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.GetLength(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.GetLength(-1));
    }

    private static void AssertRefused(TorchTensor tensor)
    {
        Assert.All(
            (Func<object>[])
            [
                () => tensor.Rank,
                () => tensor.ElementType,
                () => tensor.GetLength(0),
                () =>
                {
                    tensor.CopyTo<float>(new float[1], [1]);
                    return 0;
                },
            ],
            use => Assert.Equal(TorchFailure.Argument, Assert.Throws<TorchException>(use).Failure));
        using TorchScriptModule identity = Fixture.Load("identity");
        Assert.Equal(TorchFailure.Argument, Assert.Throws<TorchException>(() => { identity.Forward(tensor); }).Failure);
    }
}
